--- JSON over 256 KiB is decoded in slices of 32 KiB, and the other tasks run in between.
local aggr = require "aggr"
local support = require "rules.support"
local testing = require "aggr.testing"

local core = testing.require "aggr.core.json"

local SLICE = core.SLICE
local ITEM = '{"id":1,"name":"x","list":[1,2,[]]},'

local function items(slices) return math.floor(slices * SLICE / #ITEM) end

--- A document of about so many slices.
local function document(slices)
  return "[" .. ITEM:rep(items(slices)) .. "0]"
end

describe("a long JSON text", function()
  it("is decoded slice by slice, the others in between", function()
    for _, slices in ipairs { 10, 40 } do
      local text = document(slices)
      local turns, value = support.beside(aggr.json.decode, text)
      assert.equal(items(slices) + 1, #value)
      assert.same({ id = 1, name = "x", list = { 1, 2, {} } }, value[#value - 1])
      assert.is_true(turns >= slices - 2 and turns <= slices + 2, turns .. " turns")
    end
  end)

  it("gives way after a slice, whatever it is made of", function()
    for _, part in ipairs { "[],", "1,", "          ", '"' .. ("x"):rep(5e5) .. '",', '"' .. ("\\n"):rep(3e5) .. '",',
      ("["):rep(900) .. ("]"):rep(900) .. "," } do
      local text = "[" .. part:rep(math.ceil(16 * SLICE / #part)) .. "0]"
      local turns = support.beside(aggr.json.decode, text)
      assert.is_true(turns >= math.floor(#text / (SLICE + 2048)), ("%s: %d turns"):format(part:sub(1, 10), turns))
    end
  end)

  it("is decoded at once up to 256 KiB", function()
    local text = "[" .. ("1,"):rep(131070) .. "10]"
    assert.equal(262144, #text)
    local turns, value = support.beside(aggr.json.decode, text)
    assert.same({ 0, 131071, 10 }, { turns, #value, value[131071] })
    turns, value = support.beside(aggr.json.decode, text .. " ")
    assert.same({ true, 131071, 10 }, { turns >= 7, #value, value[131071] })
  end)

  it("is decoded so as body of a Response, as source and with client:json", function()
    local text = document(12)
    local api = aggr.client { base = "http://h", transport = function() return { status = 200, body = text } end }
    for name, fn in pairs {
      method = function() return api:get("/"):json() end,
      client = function() return api:json "/" end,
      source = function() return aggr.all({ a = "/" }, { client = api }).a end,
    } do
      local turns, value = support.beside(fn)
      assert.equal(items(12) + 1, #value, name)
      assert.is_true(turns >= 11, name)
    end
  end)

  it("is wrong where it is wrong", function()
    local text = document(10)
    local turns, _, err = support.beside(aggr.json.decode, text:sub(1, -3) .. "x]")
    assert.same({ "decode", #text - 1 }, { err.kind, err.byte })
    assert.equal(("[%d]"):format(items(10) + 1), err.path)
    assert.is_true(turns >= 9)
    turns, _, err = support.beside(aggr.json.decode, "[x" .. text)
    assert.same({ "decode", 2 }, { err.kind, err.byte })
    assert.is_true(turns <= 1)
  end)

  it("may be many at a time, in turns", function()
    local text, ends = document(12), {}
    aggr.group(function(g)
      for i = 1, 5 do
        g:spawn(function()
          local value = aggr.json.decode(text)
          ends[#ends + 1] = i
          assert(value[7].list[3] and #value == items(12) + 1)
        end)
      end
    end)
    assert.same({ 1, 2, 3, 4, 5 }, ends)
    assert.same({ 1, 2 }, aggr.json.decode "[1,2]")
  end)

  it("stops at the next slice when it is cancelled, and leaves nothing behind", function()
    local text = document(80)
    collectgarbage()
    local before = collectgarbage "count"
    local after_cancel, ended = 0, false
    aggr.group(function(g)
      local task = g:spawn(function()
        aggr.defer(function() ended = true end)
        aggr.json.decode(text)
        error "it was decoded"
      end)
      for _ = 1, 10 do aggr.sleep(0) end
      assert.is_false(ended)
      task:cancel()
      while not ended do
        aggr.sleep(0)
        after_cancel = after_cancel + 1
      end
    end)
    assert.is_true(after_cancel <= 2)
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 1000)
  end)

  it("stops at the next slice when the scope around it is cancelled", function()
    local text, turns = document(80), 0
    aggr.group(function(g)
      g:spawn(function()
        for _ = 1, 10 do aggr.sleep(0) end
        g:cancel()
      end)
      g:spawn(function()
        while true do
          aggr.sleep(0)
          turns = turns + 1
        end
      end)
      aggr.json.decode(text)
      error "it was decoded"
    end)
    assert.is_true(turns <= 11)
  end)

  it("raises at once in a scope that is cancelled already", function()
    local decoded = false
    aggr.group(function(g)
      g:cancel()
      aggr.json.decode(document(10))
      decoded = true
    end)
    assert.is_false(decoded)
  end)

  it("is decoded in one go where nothing can wait", function()
    local text = document(12)
    local counts = {}
    local turns = support.beside(function()
      table.sort({ 1, 2 }, function(a, b)
        counts[#counts + 1] = #aggr.json.decode(text)
        return a < b
      end)
    end)
    assert.is_true(#counts >= 1 and counts[1] == items(12) + 1)
    assert.equal(0, turns)
  end)

  it("is decoded in slices inside of a script's own coroutine", function()
    local text = document(12)
    local turns, count = support.beside(function()
      return coroutine.wrap(function()
        coroutine.yield(#aggr.json.decode(text))
      end)()
    end)
    assert.equal(items(12) + 1, count)
    assert.is_true(turns >= 11)
  end)
end)

describe("a slice", function()
  it("is as small as it takes for others to go on within 10 ms", function()
    assert.equal(32 * 1024, SLICE)
  end)
end)

describe("a decoder", function()
  it("cannot be stepped when it is done", function()
    local decode, step = core.decoder {}
    local _, pending = decode("[1]", 0, 10, 0)
    assert.same({ true, { 1 } }, { step(pending, 100) })
    assert.is_false((pcall(step, pending, 100)))
    assert.is_false((pcall(step, newproxy(true), 100)))
    assert.is_false((pcall(decode, "1", false, 0)))
    assert.is_false((pcall(decode, "1", false, 3001)))
    assert.is_false((pcall(decode, io.stdout, 0, 10)))
  end)
end)
