--- What aggr.json.encode makes of values, and what it says of those that are not data.
local aggr = require "aggr"
local support = require "rules.support"
local testing = require "aggr.testing"

local errors = testing.require "aggr.errors"
local json, raised = aggr.json, support.raised

describe("JSON text", function()
  local function refused(value, message)
    local err = raised(json.encode, value)
    assert.are.equal("usage", err.kind)
    assert.truthy(err.message:find(message, 1, true), err.message)
  end

  it("sorts keys and writes arrays and objects", function()
    assert.are.equal('{"a":[1,"x",true],"b":{},"c":null,"d":[]}',
      json.encode { d = aggr.array {}, c = aggr.null, b = {}, a = { 1, "x", true } })
    assert.are.equal("false", json.encode(false))
  end)

  it("escapes what must be escaped in strings, and nothing else", function()
    assert.are.equal([["\"\\\n\t\b\f\r\u0000\u001f/]] .. "\127é€😀" .. '"',
      json.encode '"\\\n\t\b\f\r\0\31/\127é€😀')
    for length = 0, 40 do
      for _, odd in ipairs { "\n", "\"", "é", "\0", "\1" } do
        for at = 0, length do
          local text = ("x"):rep(at) .. odd .. ("y"):rep(length - at)
          assert(json.decode(json.encode(text)) == text)
          assert(json.decode(json.encode { [text] = 1 })[text] == 1)
        end
      end
    end
    local long = ("é\n\1x"):rep(9000)
    assert.are.equal(long, json.decode(json.encode(long)))
  end)

  it("refuses strings that are not UTF-8, or replaces what is wrong", function()
    local bad = "\239\191\189"
    for given, mended in pairs {
      ["\255"] = bad, ["a\192\175"] = "a" .. bad .. bad, ["\237\160\128"] = bad:rep(3),
      ["\244\144\128\128"] = bad:rep(4),
      ["é\195"] = "é" .. bad, ["\240\159\152"] = bad:rep(3), [("x"):rep(5000) .. "\200"] = ("x"):rep(5000) .. bad,
    } do
      refused(given, "cannot encode the value: a string that is not UTF-8 (invalid_utf8 = 'replace' prints U+FFFD")
      refused({ a = { 1, given } }, "cannot encode a[2]: a string that is not UTF-8")
      refused({ a = { [given] = 1 } }, "cannot encode a[")
      assert.are.equal('"' .. mended .. '"', json.encode(given, { invalid_utf8 = "replace" }))
      assert.are.equal('{"' .. mended .. '":1}', json.encode({ [given] = 1 }, { invalid_utf8 = "replace" }))
      assert(json.decode(json.encode(raised(json.encode, given)))) -- the Error itself is text
    end
    support.usage("invalid_utf8 must be 'error' or 'replace', got true", json.encode, 1, { invalid_utf8 = true })
  end)

  it("writes numbers exactly and no longer than needed", function()
    for value, text in pairs {
      [0] = "0", [-1] = "-1", [0.1] = "0.1", [1 / 3] = "0.3333333333333333", [1e100] = "1e+100",
      [9007199254740992] = "9007199254740992", [123456789012345] = "123456789012345",
      [0.1 + 0.2] = "0.30000000000000004", [1e21] = "1e+21", [5e-324] = "5e-324", [-1.5e-7] = "-1.5e-7",
      [1e-6] = "0.000001", [123.456] = "123.456", [2 ^ 60] = "1.152921504606847e+18",
      [2 ^ 53 + 2] = "9.007199254740994e+15",
      [1.7976931348623157e308] = "1.7976931348623157e+308", [2 ^ -1022] = "2.2250738585072014e-308",
    } do
      assert.are.equal(text, json.encode(value))
    end
    math.randomseed(7)
    for _ = 1, 2000 do
      local value = (math.random() - 0.5) * 10 ^ math.random(-300, 300)
      assert.are.equal(value, tonumber(json.encode(value)))
    end
    assert.are.equal("-0", json.encode(-0))
    assert.are.equal("12", json.encode(12LL))
    assert.are.equal("[18446744073709551615,-9223372036854775807]", json.encode { -1ULL, -9223372036854775807LL })
  end)

  it("names the path of what is not data", function()
    refused({ a = { { b = print } } }, "cannot encode a[1].b: a function is not data")
    refused({ ["x y"] = 0 / 0 }, 'cannot encode ["x y"]: NaN is not JSON')
    refused({ 1, math.huge }, "cannot encode [2]: infinity is not JSON")
    refused(coroutine.create(print), "cannot encode the value: a coroutine is not data")
    refused(io.stdout, "a userdata is not data")
    local cycle = { a = {} }
    cycle.a.b = cycle
    refused(cycle, "cannot encode a.b: a cycle")
    refused({ [true] = 1 }, "true as a key")
    refused({ { cycle } }, "cannot encode [1][1].a.b: a cycle")
    refused({ [0 / 1] = 1, x = 2 }, "both string and number keys")
    refused({ f = testing.require("aggr.scope") }, "cannot encode f.")
    local api = aggr.client { base = "http://h", transport = function() return { status = 200, body = "1" } end }
    refused({ res = api:get "/" }, "cannot encode res: a Response (return res:json() or res.body)")
    refused({ c = aggr.channel(1) }, "cannot encode c: an aggr.Channel is not data")
  end)

  it("names path and remedy for mixed, holed and number keys", function()
    refused({ x = { 1, a = 2 } }, "cannot encode x: it has both string and number keys (aggr.object(t)")
    refused({ 1, nil, 3 }, "a list with a hole at 2 (put aggr.null there")
    refused({ [5] = 1 }, "aggr.object")
    refused({ [1.5] = 1 }, "its number keys are not 1..n (aggr.object(t)")
    refused({ [0] = 1, 2 }, "its number keys are not 1..n")
    refused(aggr.array { a = 1 }, "marked as an array, but")
    refused(aggr.object { 1, ["1"] = 2 }, "two keys would print as \"1\"")
  end)

  it("prints the number keys of aggr.object as strings", function()
    assert.are.equal('{"10":"x","2":"y","a":1}', json.encode(aggr.object { [10] = "x", [2] = "y", a = 1 }))
    assert.are.equal("usage", raised(aggr.object, 1).kind)
    assert.are.equal("usage", raised(aggr.array).kind)
  end)

  it("prints the fields of an Error", function()
    local err = errors.new("timeout", "slow", { url = "http://u:p@h/", phase = "wait", where = "a.lua:1" })
    errors.suppress(err, errors.new("dns", "no such host"))
    assert.are.equal('{"kind":"timeout","message":"slow","phase":"wait","suppressed":'
      .. '[{"kind":"dns","message":"no such host"}],"url":"http://u:***@h/","where":"a.lua:1"}', json.encode(err))
  end)

  it("goes a thousand levels deep and no deeper", function()
    local function nested(n)
      local t = {}
      for _ = 2, n do t = { t } end
      return t
    end
    assert.are.equal(2000, #json.encode(nested(1000)))
    refused(nested(1001), "nested deeper than 1000")
  end)

  it("indents when asked", function()
    assert.are.equal('{\n  "a": [\n    1\n  ],\n  "b": {}\n}', json.encode({ a = { 1 }, b = {} }, { pretty = true }))
    assert.truthy(raised(json.encode, 1, { prety = 1 }).message:find("did you mean 'pretty'", 1, true))
    assert.truthy(raised(json.encode).message:find("nothing to encode", 1, true))
  end)
end)

describe("sort_keys = false", function()
  it("gives the same members in any order", function()
    for n = 0, 200, 7 do
      local t = {}
      for i = 1, n do t["k" .. i] = { i, { [("x"):rep(i)] = i } } end
      assert.same(t, json.decode(json.encode(t, { sort_keys = false })))
      assert.equal(json.encode(t), json.encode(json.decode(json.encode(t, { sort_keys = false }))))
    end
    support.usage("sort_keys must be true or false, got 'no'", json.encode, 1, { sort_keys = "no" })
    support.usage("pretty must be true or false, got 1", json.encode, 1, { pretty = 1 })
  end)
end)

describe("objects", function()
  it("are written right whatever was written before them", function()
    local parts = {}
    for i = 1, 400 do
      local t = {}
      for j = 1, i % 70 do t[("%s%d"):format(("k"):rep(j * i % 23), j)] = j end
      t.inner = i % 3 == 0 and { a = { b = { i } }, b = i } or i % 3 == 1 and { b = { a = i }, c = { a = {} } } or nil
      t["key " .. i % 5] = i
      parts[i] = t
    end
    local text = json.encode(parts)
    assert.same(parts, json.decode(text))
    for i = 1, #parts do
      local names = aggr.json.keys(parts[i])
      local written = aggr.json.keys(json.decode(json.encode(parts[i]), { order = true }))
      assert.same(names, written)
    end
    for i = 1, #parts do parts[i] = json.encode(parts[i]) end
    assert.equal(text, "[" .. table.concat(parts, ",") .. "]")
  end)

  it("sort their keys by bytes", function()
    local t = { [""] = 1, ["\0"] = 2, ["a"] = 3, ["a\0"] = 4, ["aa"] = 5, ["A"] = 6, ["é"] = 7, ["ab"] = 8, ["b"] = 9 }
    assert.equal([[{"":1,"\u0000":2,"A":6,"a":3,"a\u0000":4,"aa":5,"ab":8,"b":9,"é":7}]], json.encode(t))
  end)

  it("may nest a thousand deep with many members at each level", function()
    local t = {}
    for depth = 1, 999 do
      t = { child = t, depth = depth, name = "x", list = { depth } }
    end
    local text = json.encode(t)
    assert.equal(text, json.encode(json.decode(text, { order = true })))
    assert.equal(text, json.encode(json.decode(text)))
    assert.equal(text, (coroutine.wrap(function() return json.encode(t) end)()))
  end)
end)

describe("__json", function()
  local function with(fn) return setmetatable({ own = 1 }, { __json = fn }) end

  it("says what is encoded in place of a table", function()
    assert.equal('{"a":[1,2],"b":"x","c":{"own":1}}',
      json.encode { a = with(function() return { 1, 2 } end), b = with(function() return "x" end),
        c = with(function() end) })
    local refused = support.raised(json.encode, { a = with(function() return { f = print } end) })
    assert.is_truthy(refused.message:find("cannot encode a.f: a function is not data", 1, true))
  end)

  it("may encode, raise, collect garbage, and change what is around it", function()
    local around = {}
    for i = 1, 40 do around["k" .. i] = i end
    around.k20 = with(function()
      for i = 1, 40 do around["k" .. i] = nil end
      around.new = 1
      collectgarbage()
      return json.encode { inner = { 1, "x" } }
    end)
    local got = json.decode(json.encode(around))
    assert.equal('{"inner":[1,"x"]}', got.k20)
    assert.equal(40, got.k40)
    local list = { 1, 2, with(function() error "mine" end) }
    for _ = 1, 3 do
      assert.is_truthy(tostring(support.raised(json.encode, list)):find("mine", 1, true))
      assert.equal('{"a":[1]}', json.encode { a = { 1 } })
    end
    local function busy(depth)
      local t = { ["key" .. depth] = depth, long = ("x"):rep(5000) }
      t.inner = with(function()
        for i = 1, 50 do json.encode { ["other" .. i] = { ["inner" .. i] = i } } end
        local text = depth > 0 and json.encode(busy(depth - 1)) or ""
        for _ = 1, 3 do collectgarbage() end
        return { key = text, again = ("y"):rep(5000) }
      end)
      return t
    end
    local text = json.encode { busy(5), busy(5), busy(5) }
    assert.equal(text, json.encode(json.decode(text)))
    for i = 1, 3 do
      local level = json.decode(text)[i]
      for depth = 5, 0, -1 do
        assert.same({ depth, 5000, 5000 }, { level["key" .. depth], #level.long, #level.inner.again })
        level = depth > 0 and json.decode(level.inner.key)
      end
    end
    local marked = with(function() return aggr.array {} end)
    assert.equal("[[],[]]", json.encode { marked, marked })
  end)
end)

describe("round trips", function()
  local SEED = 20261129
  local random = support.chance(SEED)

  --- The next of a sequence of all sorts of doubles, by their bits.
  local function doubles()
    local ffi = testing.raw_require "ffi"
    local bits = ffi.new("union { uint64_t bits; double value; }")
    local state = 0x9E3779B97F4A7C15ULL
    return function(i)
      repeat
        state = state * 6364136223846793005ULL + 1442695040888963407ULL
        bits.bits = bit.bxor(state, bit.rshift(state, 29))
        if i % 4 == 1 then bits.value = tonumber(bit.rshift(bits.bits, i % 60)) / 10 ^ (i % 23) end
        if i % 4 == 2 then bits.bits = bit.band(bits.bits, 0xFFF0000000000000ULL) + i % 3 - 1 end
      until bit.band(bit.rshift(bits.bits, 52), 0x7FF) ~= 0x7FF -- neither infinite nor NaN
      return bits.value
    end
  end

  it("change no bit of 50,000 doubles, and write none longer than it must be", function()
    local next_double, values = doubles(), {}
    for i = 1, 50000 do values[i] = next_double(i) end
    local text = json.encode(values)
    local got, i = json.decode(text, { bigint = "number" }), 0
    for word in text:gmatch "[^%[%],]+" do
      i = i + 1
      local value = values[i]
      if got[i] ~= value or value == 0 and 1 / got[i] ~= 1 / value or tonumber(word) ~= value then
        error(("%s for %.17g, read as %.17g"):format(word, value, got[i]))
      end
      local digits = #word:gsub("e.*", ""):gsub("[-.]", ""):gsub("^0+", ""):gsub("0+$", "")
      if digits > 1 and math.abs(value) > 2 ^ 53 or value % 1 ~= 0 then
        local fewer = ("%." .. math.max(digits - 2, 0) .. "e"):format(value)
        assert(digits == 1 or tonumber(fewer) ~= value, word)
      end
    end
    assert.equal(50000, i)
  end)

  local function value(depth)
    local kind = random(depth > 0 and 9 or 7)
    if kind == 0 then return random(2) == 0 end
    if kind == 1 then return aggr.null end
    if kind == 2 then return json.decode(("-%d%d"):format(1 + random(1e9), 1e14 + random(1e9))) end
    if kind <= 4 then return (random(2000) - 1000) / 10 ^ random(12) end
    if kind <= 6 then return (string.char(random(128), random(128)) .. '\\"é/'):rep(random(9)):sub(1 + random(3)) end
    local t = {}
    for i = 1, random(8) do
      if kind == 7 then t[i] = value(depth - 1) else t["k" .. random(30)] = value(depth - 1) end
    end
    return t
  end

  it("give equal values and the same text again, for random values", function()
    for i = 1, 500 do
      local given = value(6)
      local text = json.encode(given, { invalid_utf8 = "replace", pretty = i % 2 == 0 })
      local what = ("seed %d, value %d: %s"):format(SEED, i, text)
      local plain = json.decode(text)
      assert.equal(json.encode(plain), json.encode(json.decode(json.encode(plain, { sort_keys = false }))), what)
      assert.equal(text, json.encode(json.decode(text, { order = true }), { pretty = i % 2 == 0 }), what)
      assert.same(plain, json.decode(json.encode(plain, { pretty = true })), what)
    end
  end)
end)
