--- Integers beyond 2^53: what they are in Lua, and that no digit of theirs is ever changed.
local aggr = require "aggr"
local support = require "rules.support"

local decode, encode = aggr.json.decode, aggr.json.encode
local usage = support.usage

describe("an integer beyond 2^53", function()
  local big, other = decode "9007199254740993", decode "-12345678901234567890"

  it("keeps its digits from text to text", function()
    for _, text in ipairs {
      "9007199254740993", "-9007199254740993", "9007199254740994", "[18446744073709551615]", "-0",
      '{"id":123456789012345678901234567890}', "1" .. ("0"):rep(400), '[9007199254740992,9007199254740991]',
    } do
      assert.equal(text, encode(decode(text)))
      assert.equal(text, encode(decode(encode(decode(text)))))
    end
    assert.equal("number", type(decode "9007199254740992"))
    assert.equal("number", type(decode "-9007199254740992"))
    assert.equal("number", type(decode "1e30"))
    assert.equal("number", type(decode "12345678901234567890.5"))
  end)

  it("is a string or the nearest double when asked", function()
    for _, text in ipairs { "9007199254740993", "-123456789012345678901234567890" } do
      assert.equal(text, decode(text, { bigint = "string" }))
      assert.equal(tonumber(text), decode(text, { bigint = "number" }))
    end
    assert.same({ 1, "10000000000000000" }, decode("[1,10000000000000000]", { bigint = "string" }))
    assert.equal("decode", support.raised(decode, ("9"):rep(400), { bigint = "number" }).kind)
    usage("bigint must be 'exact', 'string' or 'number', got 'text'", decode, "1", { bigint = "text" })
  end)

  it("is the same object when it is the same integer, so it works as a table's key", function()
    local seen = { [big] = "here" }
    for _ = 1, 100 do
      collectgarbage()
      assert.equal("here", seen[decode "[9007199254740993]"[1]])
    end
    assert.is_nil(seen[decode "9007199254740995"])
    assert.is_true(rawequal(big, decode "9007199254740993"))
  end)

  it("is forgotten when nobody holds it", function()
    local function count()
      collectgarbage()
      collectgarbage()
      local n = 0
      for _ in pairs(require("aggr.testing").require("aggr.exact").digits) do n = n + 1 end
      return n
    end
    local before = count()
    for i = 1, 200 do decode("99999999999999999" .. i) end
    if jit then jit.flush() end
    assert.is_true(count() <= before + 2)
  end)

  it("equals numbers and others of its kind by value", function()
    assert.is_true(big == decode "9007199254740993")
    assert.is_false(big == 2 ^ 53)
    assert.is_false(big == 9007199254740994)
    assert.is_true(decode "9007199254740994" == 9007199254740994)
    assert.is_true(9007199254740994 == decode "9007199254740994")
    assert.is_true(big == 9007199254740993LL)
    assert.is_true(other == decode "-12345678901234567890")
    for _, value in ipairs { "9007199254740993", {}, true, aggr.null, 0, 0 / 0, 1 / 0 } do
      assert.is_false(big == value)
      assert.is_true(big ~= value)
    end
    assert.is_false(big == nil)
  end)

  it("is ordered among numbers and others of its kind", function()
    local ascending = { -1 / 0, -1e300, other, decode "-12345678901234567889", -2 ^ 63, decode "-9007199254740993",
      -2 ^ 53, -1, 0, 0.5, 1, 2 ^ 53, big, decode "9007199254740995", 2 ^ 62,
      decode "12345678901234567890", 1e300, 1 / 0 }
    for i = 1, #ascending do
      for j = 1, #ascending do
        local a, b = ascending[i], ascending[j]
        if type(a) == "cdata" or type(b) == "cdata" then
          assert.same({ i < j, i <= j, i > j, i >= j }, { a < b, a <= b, a > b, a >= b }, i .. " and " .. j)
        end
      end
    end
    assert.same({ false, false, false, false }, { big < 0 / 0, big <= 0 / 0, big > 0 / 0, 0 / 0 > big })
    assert.is_true(big < 9007199254740994LL)
    usage("attempt to compare the integer 9007199254740993 with 'x'", function() return big < "x" end)
    usage("attempt to compare the integer 9007199254740993 with a table", function() return {} < big end)
    usage("with nil", function() return big >= nil end)
  end)

  it("joins with strings and prints in full", function()
    assert.equal("/users/9007199254740993/x", "/users/" .. big .. "/x")
    assert.equal("9007199254740993-12345678901234567890", big .. other)
    assert.equal("19007199254740993", 1 .. big)
    assert.equal("9007199254740993", tostring(big))
    assert.equal("<9007199254740993>", ("<%s>"):format(big))
    usage("attempt to concatenate nil", function() return big .. nil end)
    usage("attempt to concatenate a table", function() return {} .. big end)
  end)

  it("refuses what would change digits, and names the way out", function()
    for _, fn in ipairs {
      function() return big + 1 end, function() return 1 - big end, function() return big * big end,
      function() return big / 2 end, function() return big % 10 end, function() return big ^ 2 end,
      function() return -big end, function() return 1LL + big end,
    } do
      local err = support.raised(fn)
      assert.equal("usage", err.kind)
      assert.is_truthy(err.message:find("no arithmetic with the integer 9007199254740993", 1, true), err.message)
      assert.is_truthy(err.message:find("bigint = 'number'", 1, true))
      assert.is_truthy(err.where:find("json_exact_spec", 1, true))
    end
    for _, fn in ipairs {
      function() return ("%d"):format(big) end, function() return ("%.0f"):format(big) end,
      function() return math.floor(big) end, function() return table.concat { big } end,
      function() for i = big, 3 do tostring(i) end end,
    } do
      local ok, message = pcall(fn)
      assert.is_false(ok)
      assert.is_truthy(tostring(message):find("number", 1, true) or tostring(message):find("cdata", 1, true))
    end
    assert.is_nil(tonumber(big))
    assert.equal(2 ^ 53, tonumber(tostring(big)))
  end)

  it("has nothing inside", function()
    usage("has neither fields nor length", function() return big.x end)
    usage("has neither fields nor length", function() return big[0] end)
    usage("has neither fields nor length", function() big[0] = 1 end)
    usage("has neither fields nor length", function() return #big end)
    usage("attempt to call the integer 9007199254740993", function() return big() end)
  end)

  it("goes into URLs, logs and errors with all its digits", function()
    local asked
    local api = aggr.client { base = "http://h", transport = function(request)
      asked = request
      return { status = 200, body = '{"id":9007199254740995}' }
    end }
    local res = api:post("/users/{id}", { vars = { id = big }, query = { after = other }, headers = { ["X-Id"] = big },
      json = { id = big } })
    assert.equal("http://h/users/9007199254740993?after=-12345678901234567890", asked.url)
    assert.equal("9007199254740993", asked.headers["x-id"])
    assert.equal('{"id":9007199254740993}', asked.body)
    assert.equal('{"id":9007199254740995}', encode(res:json()))
    assert.equal("9007199254740995", res:json({ bigint = "string" }).id)
    assert.equal('{"id":9007199254740995}', encode((aggr.all { a = { url = "http://h/", } , b = function()
      return res:json()
    end }).b))
    usage("got 9007199254740993", aggr.sleep, big)
  end)

  it("goes to aggr.work and back", function()
    local same, list = aggr.work(function(id)
      local json = require("aggr").json
      assert(id == json.decode "9007199254740993" and id > 2 ^ 53)
      return id, json.decode "[-12345678901234567890]"
    end, big)
    assert.is_true(rawequal(big, same))
    assert.is_true(rawequal(other, list[1]))
    usage("is a cdata", aggr.work, function() end, 1LL)
  end)
end)

describe("the order of keys", function()
  local function again(text, opts)
    opts = opts or {}
    opts.order = true
    return encode(decode(text, opts))
  end

  it("is that of the text when it was asked for", function()
    for _, text in ipairs {
      '{"b":1,"a":2}', '{"z":{"y":1,"x":[{"c":1,"b":2},{"b":1,"c":2},{"c":3,"b":4}]},"a":{}}', "{}", "[]",
      '[{"b":1,"a":[]}]',
      '{"":1,"\\u0000":2,"é":3,"a\\"b":4}',
    } do
      assert.equal(text, again(text), text)
    end
    assert.equal('{"a":2,"b":1}', encode(decode '{"b":1,"a":2}'))
    local parts = {}
    for i = 1, 300 do parts[i] = ('"k%d":%d'):format(i * 7919 % 1000, i) end
    local text = "{" .. table.concat(parts, ",") .. "}"
    assert.equal(text, again(text))
    assert.equal(("["):rep(900) .. text .. ("]"):rep(900), again(("["):rep(900) .. text .. ("]"):rep(900)))
  end)

  it("is kept in slices, beside other texts, and when indented", function()
    local text = "[" .. ('{"b":1,"a":{"d":[1,2],"c":null}},'):rep(20000) .. "{}]"
    local texts
    aggr.group(function(g)
      local other = g:spawn(function() return again(text) end)
      texts = { again(text), other:wait() }
    end)
    assert.is_true(texts[1] == text and texts[2] == text)
    assert.equal('{\n  "b": 1,\n  "a": 2\n}', encode(decode('{"b":1,"a":2}', { order = true }), { pretty = true }))
  end)

  it("has new keys behind the known ones, sorted, and skips those that are gone", function()
    local t = decode('{"m":1,"z":2,"b":3}', { order = true })
    t.y, t.a, t.z = 4, 5, nil
    assert.equal('{"m":1,"b":3,"a":5,"y":4}', encode(t))
    assert.same({ "m", "b", "a", "y" }, aggr.json.keys(t))
    assert.same({ "a", "b" }, aggr.json.keys { b = 1, a = 2, [3] = 4 })
    t[7] = "x"
    assert.equal('{"m":1,"b":3,"7":"x","a":5,"y":4}', encode(t))
    assert.equal('{"m":1,"b":3,"7":"x","a":5,"y":4}', encode(aggr.object(t)))
    usage("expected a table, got 1", aggr.json.keys, 1)
  end)

  it("has a key that comes twice where it came first, with its last value", function()
    assert.equal('{"a":3,"b":2}', again '{"a":1,"b":2,"a":3}')
    assert.equal('{"b":2}', again('{"a":1,"b":2,"a":null}', { null = "nil" }))
    assert.same({ a = 3, b = 2 }, decode '{"a":1,"b":2,"a":3}')
  end)
end)

describe("a strict decoding", function()
  it("refuses a key that comes twice in an object, at the second one", function()
    for text, where in pairs {
      ['{"a":1,"a":2}'] = { 8, 8, ".a" },
      ['{"x":[{"b":1,"c":2,"b":null}]}'] = { 20, 20, ".x[1].b" },
      ['{"a":null,"a":1}'] = { 11, 11, ".a" }, ['{"a":1,"\\u0061":2}'] = { 8, 8, ".a" },
    } do
      for _, opts in ipairs { { strict = true }, { strict = true, null = "nil" }, { strict = true, order = true } } do
        local err = support.raised(decode, text, opts)
        assert.same({ "decode", where[1], where[2], where[3] }, { err.kind, err.byte, err.column, err.path })
        assert.is_truthy(err.message:find("a key that is there already", 1, true))
      end
    end
    assert.same({ a = { a = 1 }, b = { { a = 1 }, { a = 2 } } },
      decode('{"a":{"a":1},"b":[{"a":1},{"a":2}]}', { strict = true }))
    local opts = { strict = true, null = "nil" }
    assert.same({ b = { 1 }, c = {} }, decode('{"a":null,"b":[null,1],"c":{"d":null}}', opts))
    assert.is_nil(decode("null", { strict = true, null = "nil" }))
    usage("strict must be true or false, got 1", decode, "1", { strict = 1 })
  end)
end)

describe("max_size", function()
  it("is the longest text that is looked at", function()
    assert.equal(12, decode("12", { max_size = 2 }))
    local err = support.raised(decode, "[1,\n2]", { max_size = 5 })
    assert.same({ "decode", 6, 2, 2 }, { err.kind, err.byte, err.line, err.column })
    assert.is_truthy(err.message:find("longer than 5 bytes (max_size)", 1, true))
    assert.equal("decode", support.raised(decode, (" "):rep(2000), { max_size = "1KiB" }).kind)
    usage("max_size must be a size", decode, "1", { max_size = 0 })
  end)
end)
