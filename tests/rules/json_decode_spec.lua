--- What aggr.json.decode accepts, refuses and makes of it (RFC 8259), in one go and in slices.
local aggr = require "aggr"
local cases = require "rules.json_cases"
local support = require "rules.support"
local testing = require "aggr.testing"

local core = testing.require "aggr.core.json"
local encoder = testing.require "aggr.encoder"
local cjson = testing.raw_require "cjson"

local LIST = encoder.LIST
local decode, step = core.decoder { list = LIST, marks = {}, exact = testing.require("aggr.exact").of }

--- Deep equality with a case's value; -0 is not 0, empty arrays are marked.
local function fits(expected, value)
  if rawequal(expected, cases.NULL) then return value == aggr.null end
  if rawequal(expected, cases.EMPTY) then return getmetatable(value) == LIST and next(value) == nil end
  if type(expected) ~= "table" then
    return rawequal(expected, value) and (expected ~= 0 or 1 / expected == 1 / value)
  end
  if type(value) ~= "table" or getmetatable(value) then return false end
  for key, item in pairs(expected) do
    if not fits(item, value[key]) then return false end
  end
  for key in pairs(value) do
    if expected[key] == nil then return false end
  end
  return true
end

--- As decode, in slices of so many bytes.
local function decode_sliced(text, bytes)
  local ok, value, offset, keys = decode(text, 0, 1000, -1)
  local slices = 0
  while ok == nil do
    slices = slices + 1
    ok, value, offset, keys = step(value, bytes)
  end
  return ok, value, offset, keys, slices
end

local function shown(text) return #text > 80 and text:sub(1, 80) .. "…" or text end

describe("JSON that RFC 8259 allows", function()
  it("is decoded to what it says", function()
    for _, case in ipairs(cases.accepted) do
      assert(fits(case.value, aggr.json.decode(case.text)), shown(case.text))
    end
  end)

  it("is decoded to the same in slices of any size", function()
    for _, case in ipairs(cases.accepted) do
      for bytes = 1, math.min(#case.text, 17) do
        local ok, value = decode_sliced(case.text, bytes)
        assert(ok and fits(case.value, value), ("%s in slices of %d"):format(shown(case.text), bytes))
      end
    end
  end)

  it("needs no more slices than its length says", function()
    local text = '[' .. ('"abc", {"key": [1, null]}, '):rep(1000) .. '0]'
    for _, bytes in ipairs { 1, 7, 64, 1000 } do
      local _, _, _, _, slices = decode_sliced(text, bytes)
      assert.is_true(slices <= math.ceil(#text / bytes))
    end
  end)

  it("takes a slice of a long string only, whatever is in it", function()
    for _, part in ipairs { "x", "é", "\\n", "\\u00e9", "x\\n" } do
      local text = '["' .. part:rep(20000) .. '"]'
      local _, value, _, _, slices = decode_sliced(text, 1000)
      assert.equal(#aggr.json.decode('"' .. part .. '"') * 20000, #value[1])
      assert.is_true(slices >= math.floor(#text / 1012), part .. ": " .. slices)
    end
    local _, value, _, _, slices = decode_sliced((" "):rep(10000) .. "1", 100)
    assert.same({ 1, 101 }, { value, slices })
  end)

  it("nests a thousand deep, or as deep as asked", function()
    local text = ("[{\"a\":"):rep(500) .. "1" .. ("}]"):rep(500)
    local value = aggr.json.decode(text)
    for _ = 1, 500 do value = value[1].a end
    assert.equal(1, value)
    assert.is_true((decode_sliced(text, 3)))
    assert.equal("table", type(aggr.json.decode(("["):rep(3000) .. ("]"):rep(3000), { depth = 3000 })))
    assert.equal("table", type(aggr.json.decode(('{"a":'):rep(2999) .. "{}" .. ("}"):rep(2999), { depth = 3000 })))
    assert.equal("table", type(aggr.json.decode("[[]]", { depth = 2 })))
    local err = support.raised(aggr.json.decode, "[[[]]]", { depth = 2 })
    assert.is_truthy(err.message:find("at byte 3 (line 1, column 3, [1][1]): nested deeper than 2", 1, true))
  end)

  it("may have any key, again and again", function()
    local keys, parts = {}, {}
    for i = 1, 900 do
      keys[i] = ("k"):rep(i % 45) .. i % 210
      parts[i] = ('{"%s":%d,"id":%d}'):format(keys[i], i, -i)
    end
    local value = aggr.json.decode("[" .. table.concat(parts, ",") .. "]")
    for i = 1, 900 do assert.same({ [keys[i]] = i, id = -i }, value[i]) end
  end)
end)

describe("JSON that RFC 8259 does not allow", function()
  it("is refused at the byte that is wrong", function()
    for _, case in ipairs(cases.refused) do
      local err = support.raised(aggr.json.decode, case.text)
      assert.equal("decode", err.kind)
      assert(err.byte == case.byte, shown(case.text) .. ": " .. err.message)
      assert(err.message:find(case.what, 1, true), shown(case.text) .. ": " .. err.message)
    end
  end)

  it("is refused in slices of any size, too", function()
    for _, case in ipairs(cases.refused) do
      for bytes = 1, math.min(#case.text, 17) do
        local ok, _, offset = decode_sliced(case.text, bytes)
        assert(ok == false and offset + 1 == case.byte, ("%s in slices of %d"):format(shown(case.text), bytes))
      end
    end
  end)

  it("leaves the decoder fit for the next text", function()
    for _, case in ipairs(cases.refused) do
      decode(case.text, 0, 1000)
      local ok, value = decode('{"a":[1,"\\n"]}', 0, 1000)
      assert.same({ true, { a = { 1, "\n" } } }, { ok, value })
    end
  end)

  local function refusal(text)
    local err = support.raised(aggr.json.decode, text)
    return { err.byte, err.line, err.column, err.path }, err.message
  end

  it("is placed by line, column and path", function()
    local where, message = refusal '{"orders": [\n  {"price": 1},\n  {"price": 2},\n  {"näme": "é", "price": x}\n]}'
    assert.same({ 73, 4, 26, ".orders[3].price" }, where)
    assert.equal("not JSON: at byte 73 (line 4, column 26, .orders[3].price): expected a value near "
      .. [['"é", "price": x}\10]}']], message)
    for text, expected in pairs {
      x = { 1, 1, 1, "" }, ["[1,]"] = { 4, 1, 4, "[2]" }, ["[1 2]"] = { 4, 1, 4, "[1]" },
      ["[[],[[7,?"] = { 9, 1, 9, "[2][1][2]" }, ['{"a":{"b":01}}'] = { 11, 1, 11, ".a.b" },
      ['{"a":{"b":1 2}}'] = { 13, 1, 13, ".a" }, ['{"a" 1}'] = { 6, 1, 6, ".a" },
      ['{"a b":x}'] = { 8, 1, 8, '["a b"]' }, ["\n\n?"] = { 3, 3, 1, "" }, ['["a",\r\n\n é'] = { 10, 3, 2, "[2]" },
      ['{"a":1,b'] = { 8, 1, 8, "" }, ['{"a":["\1'] = { 8, 1, 8, ".a[1]" }, ['{"a":{"b'] = { 9, 1, 9, ".a" },
    } do
      assert.same(expected, (refusal(text)), text)
    end
    local _, deep = refusal(('{"a":['):rep(500) .. "x")
    assert.is_truthy(deep:find(", .a[1].a[1].a[1].a[1].a[1].a[1]…): expected", 1, true), deep)
  end)

  it("shows 30 characters around, whole ones, without control characters or parts of secrets", function()
    local function near(text) return select(2, refusal(text)):match("near '(.*)'$") end
    assert.equal('mnopqrstuvwxy" ?0123456789abcd', near('"abcdefghijklmnopqrstuvwxy" ?0123456789abcdefghi'))
    assert.equal('"€"\\9"€?', near('"€"\t"€?'))
    assert.equal("éééééééé\\1ééééééé", near('"' .. ("é"):rep(20) .. "\1" .. ("é"):rep(9) .. '"'))
    assert.equal('["x\239\191\189y"]', near('["x\255y"]'))
    testing.require("aggr.mask").add("a secret of thirty characters.")
    assert.equal('{"token":"***" "', near('{"token":"a secret of thirty characters." "'):gsub('""$', '"'), nil)
    assert.equal("***}", near("a secret of thirty characters.}"))
  end)

  it("may be a Response, which is not copied", function()
    local sent
    local api = aggr.client { base = "http://h", transport = function() return { status = 200, body = sent } end }
    local function get(body)
      sent = body
      return api:get "/"
    end
    assert.equal(12, get("12"):json())
    assert.equal(1.5, get("1.5"):json())
    assert.same({ b = { 1, 2 } }, get('{"a":null,"b":[1,null,2]}'):json { null = "nil" })
    local err = support.raised(function() return get('{"a":[1,}'):json() end)
    assert.same({ "decode", 9, 1, 9, ".a[2]", 200 }, { err.kind, err.byte, err.line, err.column, err.path, err.status })
    err = support.raised(function() return get(""):json() end)
    assert.equal("the body is not JSON: the text is empty", err.message)
    err = support.raised(function() return get("[[1]]"):json { depth = 1 } end)
    assert.is_truthy(err.message:find("nested deeper than 1", 1, true))
  end)
end)

describe("decoding", function()
  it("keeps empty arrays apart from empty objects", function()
    local text = '{"a":[],"b":{},"c":[[],{},[[]]],"d":[1,[]]}'
    assert.equal(text, aggr.json.encode(aggr.json.decode(text)))
    assert.equal("[]", aggr.json.encode(aggr.json.decode("[null]", { null = "nil" })))
    assert.equal("[]", aggr.json.encode(aggr.json.decode " [ ] "))
    local list = aggr.json.decode "[]"
    list[1] = 7
    assert.equal("[7]", aggr.json.encode(list))
    list.x = 1
    support.usage("marked as an array, but", aggr.json.encode, list)
  end)

  it("drops nulls when asked", function()
    local function dropped(text) return aggr.json.decode(text, { null = "nil" }) end
    assert.same({ b = { 1, 2 } }, dropped '{"a":null,"b":[1,null,2]}')
    assert.is_nil(dropped "null")
    assert.same({ {}, { c = {} } }, dropped '[null,{"a":null},null,{"b":null,"c":[null,null]}]')
    assert.same({}, dropped '{"a":1,"a":null}')
    assert.same({ a = 2 }, dropped '{"a":null,"a":2}')
    assert.equal(aggr.null, aggr.json.decode('{"a":null}').a)
  end)

  it("checks its options", function()
    for _, depth in ipairs { 0, -1, 1.5, 3001, "2", 1 / 0, 0 / 0 } do
      support.usage("depth must be a whole number from 1 to 3000", aggr.json.decode, "1", { depth = depth })
    end
    support.usage("null can only be 'nil'", aggr.json.decode, "1", { null = 1 })
    support.usage("did you mean 'depth'", aggr.json.decode, "1", { dept = 1 })
    support.usage("expected a string, got nil", aggr.json.decode, nil)
  end)

  it("is done with any text while a finalizer decodes, too", function()
    local text = "[" .. ('{"a":[1,"b"]},'):rep(400) .. "0]"
    local finalized = 0
    for _ = 1, 50 do
      getmetatable(newproxy(true)).__gc = function()
        finalized = finalized + #aggr.json.decode '["x","y"]'
      end
      local value = aggr.json.decode(text)
      for i = 1, 400 do assert(value[i].a[1] == 1 and value[i].a[2] == "b") end
    end
    collectgarbage()
    assert.equal(100, finalized)
  end)

  it("leaves a collector that a script has stopped as it is, and starts it again otherwise", function()
    local text = "[" .. ('{"a":[1,"b"]},'):rep(5000) .. "0]"
    local seen = setmetatable({}, { __mode = "k" })
    collectgarbage "stop"
    seen[{}] = true
    for _ = 1, 20 do aggr.json.decode(text) end
    local kept = next(seen) ~= nil
    collectgarbage "restart"
    assert.is_true(kept)
    local most, before = 0, collectgarbage "count"
    for _ = 1, 40 do
      pcall(aggr.json.decode, text .. "x")
      aggr.json.decode(text)
      most = math.max(most, collectgarbage "count" - before)
    end
    assert.is_true(most < 30000, most .. " KiB are in use")
  end)
end)

describe("decoding agrees with lua-cjson", function()
  local SEED = 20261122
  local random = support.chance(SEED)

  local TEXTS = { "", "a", "key", "Grüße", '"', "\\", "a\nb", "\0", "😀", ("long"):rep(20), "x/y", "\127" }

  local function number()
    local digits = {}
    for i = 1, 1 + random(17) do digits[i] = random(10) end
    local text = table.concat(digits)
    return tonumber((random(2) == 0 and "-" or "") .. text .. (random(2) == 0 and "e" .. random(40) - 20 or ""))
  end

  local function value(depth)
    local kind = random(depth > 0 and 8 or 6)
    if kind == 0 then return random(2) == 0 end
    if kind == 1 then return cjson.null end
    if kind <= 3 then return number() end
    if kind <= 5 then return TEXTS[1 + random(#TEXTS)] .. random(100) end
    local t = {}
    for i = 1, 1 + random(6) do
      if kind == 6 then t[i] = value(depth - 1) else t[TEXTS[1 + random(#TEXTS)] .. random(5)] = value(depth - 1) end
    end
    return t
  end

  it("on random values", function()
    for i = 1, 400 do
      local text = aggr.json.encode(value(5))
      local ok, got = decode_sliced(text, 1 + random(50))
      assert(ok, text)
      local what = ("seed %d, text %d: %s"):format(SEED, i, text)
      assert.same(cjson.decode(text), got, what)
      assert.equal(text, aggr.json.encode(got), what)
    end
  end)
end)

describe("decoding a number", function()
  it("gives the nearest double, whatever its digits", function()
    local ffi = testing.raw_require "ffi"
    local bits = ffi.new("union { uint64_t bits; double value; }")
    local state = 0x9E3779B97F4A7C15ULL
    local texts, values = {}, {}
    while #texts < 4000 do
      state = state * 6364136223846793005ULL + 1442695040888963407ULL
      bits.bits = bit.bxor(state, bit.rshift(state, 29))
      if bit.band(bit.rshift(bits.bits, 52), 0x7FF) ~= 0x7FF then -- neither infinite nor NaN
        local n = #texts + 1
        local x = n % 2 == 0 and bits.value or tonumber(bit.rshift(bits.bits, 1 + n % 60)) / 10 ^ (n % 23)
        texts[n], values[n] = ("%.17g"):format(x), x
      end
    end
    local got = aggr.json.decode("[" .. table.concat(texts, ",") .. "]")
    for i = 1, #values do
      if got[i] ~= values[i] then error(("%s became %.17g"):format(texts[i], got[i])) end
    end
  end)
end)
