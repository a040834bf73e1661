--- aggr.json.values: JSON values one behind the other, out of texts and of streams in pieces.
local aggr = require "aggr"
local cases = require "rules.json_cases"
local support = require "rules.support"
local testing = require "aggr.testing"

local core = testing.require "aggr.core.stream"

--- An iterator over pieces of so many bytes.
local function pieces(text, bytes)
  local at = 1
  return function()
    if at > #text then return nil end
    at = at + bytes
    return text:sub(at - bytes, at - 1)
  end
end

--- The text in two pieces.
local function cut(text, at)
  local list = { text:sub(1, at), text:sub(at + 1) }
  return function() return table.remove(list, 1) end
end

local function all(source, opts)
  local list = {}
  for value in aggr.json.values(source, opts) do list[#list + 1] = value end
  return list
end

local function shown(text) return #text > 80 and text:sub(1, 80) .. "…" or text end

describe("JSON values one behind the other", function()
  it("come one by one, with white space between them or none", function()
    for text, values in pairs {
      [""] = {}, [" \n\t\r"] = {}, ["1"] = { 1 }, ["1 2"] = { 1, 2 }, ["12"] = { 12 },
      ["1\n2\r\n3\t4"] = { 1, 2, 3, 4 },
      ['"a""b"'] = { "a", "b" }, ['{}{"a":1}[][2]'] = { {}, { a = 1 }, {}, { 2 } },
      ['1"a"2[3]4{}'] = { 1, "a", 2, { 3 }, 4, {} },
      ["true false null"] = { true, false, aggr.null },
      ['true"x"false[]null{}'] = { true, "x", false, {}, aggr.null, {} },
      ['{"a":\n1}\n\n{"a":2}\n'] = { { a = 1 }, { a = 2 } },
      ["-1 -2"] = { -1, -2 }, ["[1] 2 [3] "] = { { 1 }, 2, { 3 } },
    } do
      assert.same(values, all(text), text)
      for bytes = 1, math.min(#text, 8) do assert.same(values, all(pieces(text, bytes)), text) end
    end
  end)

  it("must be apart where they would run together", function()
    for text, place in pairs {
      truefalse = { 5, "expected white space" },
      ["true1"] = { 5, "expected white space" }, ["1true"] = { 1, "a number" },
      ["null-1"] = { 5, "expected white space" },
      ["1-1"] = { 1, "a number" }, ["1.5.5"] = { 1, "a number" },
      ["1,2"] = { 2, "expected a value" }, ["[1],[2]"] = { 4, "expected a value" },
      ["[1]]"] = { 4, "expected a value" },
      ["01"] = { 1, "a number" }, ["1 x"] = { 3, "expected a value" }, ["nul l"] = { 1, "expected a value" },
    } do
      for bytes = 1, math.min(#text, 8) do
        local err = support.raised(all, pieces(text, bytes))
        assert.same({ "decode", place[1] }, { err.kind, err.byte }, text)
        assert.is_truthy(err.message:find(place[2], 1, true), text .. ": " .. err.message)
      end
      assert.equal(place[1], support.raised(all, text).byte)
    end
  end)

  it("come as soon as they are whole", function()
    local given = {}
    local source = function()
      given[#given + 1] = true
      return ({ '{"a":1}', '"b"', "[2", "]", "3", " ", "tru", "e", " ", "4" })[#given]
    end
    local next_value = aggr.json.values(source)
    local after = {}
    for value in next_value do after[#after + 1] = { value, #given } end
    -- A number or a word ends with what follows it.
    assert.same({ { { a = 1 }, 1 }, { "b", 2 }, { { 2 }, 4 }, { 3, 6 }, { true, 9 }, { 4, 11 } }, after)
    assert.is_nil(next_value())
    assert.equal(11, #given)
  end)

  it("may be cut anywhere", function()
    local parts, values = {}, {}
    for i, case in ipairs(cases.accepted) do
      if #case.text < 200 then
        parts[#parts + 1] = case.text
        values[#values + 1] = aggr.json.decode(case.text)
      end
      if #parts == 5 or i == #cases.accepted then
        local text = table.concat(parts, "\n")
        assert.same(values, all(text))
        for at = 0, #text do assert.same(values, all(cut(text, at)), text) end
        for _, bytes in ipairs { 1, 2, 7 } do assert.same(values, all(pieces(text, bytes)), text) end
        parts, values = {}, {}
      end
    end
    for _, case in ipairs(cases.accepted) do
      local bytes = math.max(1, math.floor(#case.text / 7))
      assert.same({ aggr.json.decode(case.text) }, all(pieces(case.text, bytes)))
    end
  end)

  it("are refused where decoding refuses them, and the others come before", function()
    for _, case in ipairs(cases.refused) do
      local err = support.raised(aggr.json.decode, case.text)
      local alone = not err.message:find("something follows", 1, true) and err.message ~= "not JSON: the text is empty"
        and not case.text:find "^[%s]*$"
      local text = "[1]\n " .. case.text
      local few = math.ceil(#text / 1000)
      for _, source in ipairs(alone and { text, pieces(text, few), pieces(text, few + 2) } or {}) do
        local next_value = aggr.json.values(source)
        assert.same({ 1 }, next_value())
        local other = support.raised(next_value)
        assert.same({ "decode", err.byte + 5, err.line + 1, err.column + (err.line == 1 and 1 or 0), err.path },
          { other.kind, other.byte, other.line, other.column, other.path }, shown(case.text))
        assert.is_nil(next_value())
      end
    end
  end)

  it("that are cut short at the end are refused", function()
    for text, byte in pairs {
      ['1 {"a":'] = 8, ["[1,2"] = 5, ['"abc'] = 5, ['"ab\\'] = 4, ['"\\u00'] = 2, ['"\195'] = 2, ["1 -"] = 3,
      ["1e"] = 1,
      ["tru"] = 1, ["[fals"] = 2, ['{"a'] = 4, ['{"a"'] = 5, ['\n"\\ud83d\\ude0'] = 3,
    } do
      for bytes = 1, math.min(#text, 8) do
        local err = support.raised(all, pieces(text, bytes))
        assert.same({ "decode", byte }, { err.kind, err.byte }, text)
      end
      local err = support.raised(all, text)
      assert.same({ "decode", byte }, { err.kind, err.byte }, text)
    end
    local err = support.raised(all, pieces('[1]\n{"a":[1,\n2', 4))
    assert.equal("not JSON: at byte 15 (line 3, column 2, .a[2]): expected ',' or ']', but the text ends near '"
      .. '{"a":[1,\\10' .. "2'", err.message)
  end)

  it("are placed in the whole stream", function()
    local text = ('{"é":"ü"}\n'):rep(5000) .. '{"é":"ü"} {"é":?}'
    for _, source in ipairs { text, pieces(text, 1000), pieces(text, 7) } do
      local count = 0
      local err = support.raised(function()
        for _ in aggr.json.values(source) do count = count + 1 end
      end)
      assert.same({ 5001, 5000 * 12 + 19, 5001, 16, '["é"]' }, { count, err.byte, err.line, err.column, err.path })
    end
  end)

  it("may be long, and are decoded with the options", function()
    local text = '[1,null,{"a":null}] null 5 [[]]'
    assert.same({ { 1, {} }, 5, { {} } }, all(text, { null = "nil" }))
    assert.same({ { 1, aggr.null, { a = aggr.null } }, aggr.null, 5, { {} } }, all(pieces(text, 3)))
    local err = support.raised(all, text, { depth = 1 })
    assert.is_truthy(err.message:find("at byte 9 (line 1, column 9, [3]): nested deeper than 1", 1, true), err.message)
    local big = "12345678901234567890"
    local values = all(pieces(big .. " [" .. big .. "] " .. ("9"):rep(400), 3))
    assert.same({ big, big, ("9"):rep(400) }, { tostring(values[1]), tostring(values[2][1]), tostring(values[3]) })
    assert.equal(1, support.raised(all, ("9"):rep(400), { bigint = "number" }).byte)
    err = support.raised(all, '{"a":1}\n{"a":1,"a":2}', { strict = true })
    assert.same({ 16, 2, 8, ".a" }, { err.byte, err.line, err.column, err.path })
    local deep = ("["):rep(900) .. ("]"):rep(900)
    assert.equal(3, #all(pieces(deep .. deep .. deep, 100)))
    support.usage("did you mean 'depth'", aggr.json.values, "1", { dept = 1 })
    support.usage("a Response or a function that gives pieces of text, got nil", aggr.json.values, nil)
    support.usage("expected a string, a Response", aggr.json.values, {})
    local _, wrong = aggr.try(all, function() return 5 end)
    assert.same({ "usage", "json.values: the source gave 5, not a piece of text" }, { wrong.kind, wrong.message })
  end)

  it("may be no longer than asked for, each", function()
    assert.equal(3, #all("[1] [2] [3]", { max_size = 3 }))
    local text = "[1] [2,3] [3]"
    for _, source in ipairs { text, pieces(text, 1), pieces(text, 5) } do
      local next_value = aggr.json.values(source, { max_size = 3 })
      assert.same({ 1 }, next_value())
      local err = support.raised(next_value)
      assert.is_truthy(err.message:find("at byte 8 (line 1, column 8): longer than 3 bytes (max_size)", 1, true))
    end
    local given = 0
    local err = support.raised(all, function()
      given = given + 1
      return given == 1 and '["' or ("x"):rep(1000)
    end, { max_size = "10KiB" })
    assert.equal(10241, err.byte)
    assert.is_true(given <= 12)
  end)

  it("with a number that never ends are refused in time", function()
    local given = 0
    local err = support.raised(all, function()
      given = given + 1
      return ("1"):rep(1000)
    end)
    assert.is_truthy(err.message:find "a number of over 65536 characters")
    assert.equal(66, given)
  end)

  it("may be a Response", function()
    local body = '{"a":1}\n{"a":2}\n'
    local api = aggr.client { base = "http://h", transport = function() return { status = 200, body = body } end }
    assert.same({ { a = 1 }, { a = 2 } }, all(api:get "/"))
    body = '1 [2'
    local err = support.raised(function() all(api:get "/x") end)
    assert.same({ "decode", 5, 200, "http://h/x" }, { err.kind, err.byte, err.status, err.url })
    assert.is_truthy(err.message:find "^the body is not JSON: at byte 5")
  end)

  it("may be lines that have lost their ends", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write('1\n2\n\n{"a":\n[3]}\r\n"x"')
    file:close()
    assert.same({ 1, 2, { a = { 3 } }, "x" }, all(aggr.lines(path)))
    file = assert(io.open(path, "w"))
    file:write('1\n"x\ny"\n')
    file:close()
    local err = support.raised(function() all(aggr.lines(path)) end)
    assert.same({ 5, 2, 3 }, { err.byte, err.line, err.column })
    os.remove(path)
  end)

  it("feed aggr.each", function()
    local sum = 0
    local report = aggr.each(aggr.json.values(pieces(("7\n"):rep(50), 9)), function(n)
      aggr.sleep(1)
      sum = sum + n
    end)
    assert.same({ 350, 50 }, { sum, report.succeeded })
  end)
end)

describe("a stream of JSON values", function()
  it("is kept no longer than its values are read", function()
    local line = '{"id":1,"text":"' .. ("x"):rep(1000) .. '"}\n'
    local piece = line:rep(60):sub(11) .. line:sub(1, 10) -- values are cut at each border
    local most, count = 0, 0
    collectgarbage()
    local before = collectgarbage "count"
    local given = 0
    local function source()
      given = given + 1
      if given == 1 then return line:sub(1, 10) end
      return given <= 400 and piece or given == 401 and line:sub(11) or nil
    end
    for value in aggr.json.values(source) do
      assert(value.id == 1)
      count = count + 1
      if count % 500 == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count" - before)
      end
    end
    assert.equal(399 * 60 + 1, count)
    assert.is_true(most < 600, most .. " KiB")
  end)

  it("gives the memory of a long value back", function()
    local long = '"' .. ("x"):rep(4e6) .. '"'
    local list = { long:sub(1, 1e6), long:sub(1e6 + 1) .. " 1 2", "3 ", "4 5" }
    local next_value = aggr.json.values(function() return table.remove(list, 1) end)
    assert.equal(4e6, #next_value())
    list[1] = nil
    assert.equal(1, next_value())
    list = { "3 ", "4 5" }
    long = nil -- luacheck: ignore (so that it can be collected)
    assert.equal(23, next_value())
    collectgarbage()
    local before = collectgarbage "count"
    next_value = nil -- luacheck: ignore (the same)
    collectgarbage()
    assert.is_true(before - collectgarbage "count" < 1000, before - collectgarbage "count" .. " KiB were kept")
  end)

  it("lets others run between values and inside of long ones", function()
    local item = '{"id":1,"list":[1,2,3]}\n'
    local text = item:rep(20000)
    local turns, count = support.beside(function() return #all(text) end)
    assert.equal(20000, count)
    assert.is_true(turns >= math.floor(#text / 32768) - 1, turns .. " turns")
    item = "[" .. item:rep(2000):gsub("\n", ",") .. "0]\n" -- too few for the checkpoints to be turns
    turns, count = support.beside(function() return #all(item:rep(40)) end)
    assert.equal(40, count)
    assert.is_true(turns >= 39, turns .. " turns")
    local long = "[" .. ("1,"):rep(1e6) .. "1]"
    for _, source in ipairs { long, pieces(long, 65536) } do
      turns, count = support.beside(function() return #all(source)[1] end)
      assert.equal(1e6 + 1, count)
      assert.is_true(turns >= math.floor(#long / 32768) + math.floor(#long / core.SLICE) - 8, turns .. " turns")
    end
  end)

  it("of long values that never end is read in slices", function()
    local turns, _, err = support.beside(function() return all('"' .. ("x"):rep(4e6)) end)
    assert.equal(4e6 + 2, err.byte)
    assert.is_true(turns >= math.floor(4e6 / core.SLICE) - 1, turns .. " turns")
    turns = support.beside(function() return all((" "):rep(4e6)) end)
    assert.is_true(turns >= math.floor(4e6 / core.SLICE) - 1, turns .. " turns")
  end)

  it("stops where its task is cancelled, and goes on in another", function()
    local list = { "1 2 ", "3 4 " }
    local next_value = aggr.json.values(function()
      if #list == 1 then aggr.sleep(5) end
      return table.remove(list, 1)
    end)
    local seen = {}
    aggr.group(function(g)
      local task = g:spawn(function()
        for value in next_value do seen[#seen + 1] = value end
      end)
      aggr.sleep(1)
      support.usage("two tasks read from one iterator", next_value)
      task:cancel()
    end)
    assert.same({ 1, 2 }, seen)
    assert.same({ 3, 4 }, { next_value(), next_value() })
    assert.is_nil(next_value())
  end)

  it("is told by what its source raises", function()
    local next_value = aggr.json.values(function() error("no more", 0) end)
    assert.equal("no more", support.raised(next_value).message)
  end)
end)
