--- aggr.json.pick and res:pick: JSON Pointers (RFC 6901) into texts that are checked but not decoded.
local aggr = require "aggr"
local cases = require "rules.json_cases"
local support = require "rules.support"
local testing = require "aggr.testing"

local core = testing.require "aggr.core.pick"
local json = testing.require "aggr.json"
local pointer = testing.require "aggr.pointer"

local pick = aggr.json.pick

--- As pick, in slices of so many bytes: the value, or false, what is wrong, offset, keys.
local function pick_sliced(text, wanted, bytes)
  local picker = core.picker(text, wanted.keys, wanted.counts, 1000, true)
  local ok, what, offset, keys
  local slices = 0
  repeat
    ok, what, offset, keys = core.step(picker, bytes)
    slices = slices + 1
  until ok ~= nil
  if not ok then return false, what, offset, keys end
  local place = #wanted.keys
  if not core.select(picker, place) then return true, nil, slices end
  local _, value = json.read(picker, json.decoding(nil, "test"))
  return true, value, slices
end

local function escaped(token) return (tostring(token):gsub("~", "~0"):gsub("/", "~1")) end

describe("a JSON Pointer", function()
  it("leads where RFC 6901, section 5, says", function()
    local text = [[{
      "foo": ["bar", "baz"],
      "": 0,
      "a/b": 1,
      "c%d": 2,
      "e^f": 3,
      "g|h": 4,
      "i\\j": 5,
      "k\"l": 6,
      " ": 7,
      "m~n": 8
    }]]
    assert.same(aggr.json.decode(text), pick(text, ""))
    assert.same({ "bar", "baz" }, pick(text, "/foo"))
    for path, value in pairs {
      ["/foo/0"] = "bar", ["/"] = 0, ["/a~1b"] = 1, ["/c%d"] = 2, ["/e^f"] = 3, ["/g|h"] = 4, ["/i\\j"] = 5,
      ['/k"l'] = 6, ["/ "] = 7, ["/m~0n"] = 8,
    } do
      assert.equal(value, pick(text, path), path)
    end
  end)

  it("that leads nowhere gives nil", function()
    local text = '{"a":[1,{"b":null},"x"],"10":{"":{"":5}},"-":1,"a":[1,{"b":2},"x"]}'
    for _, path in ipairs {
      "/b", "/A", "/a/3", "/a/-", "/a/-1", "/a/00", "/a/01", "/a/+1", "/a/1e0", "/a/1.0", "/a/ 1", "/a/", "/a/0/0",
      "/a/2/0", "/a/1/b/c", "/a/1/", "//", "/10/a", "/10//a", "/a/4294967295", "/a/4294967296",
      "/a/18446744073709551616",
      "/a/99999999999999999999999", "/a/1/b/", "/a/length", "/a/1/b~0",
    } do
      assert.is_nil(pick(text, path), path)
    end
    assert.same({ 5, 1, "x" }, { pick(text, "/10//"), pick(text, "/-"), pick(text, "/a/2") })
    assert.is_nil(pick("7", "/0"))
    assert.is_nil(pick("[]", "/0"))
    assert.is_nil(pick("{}", "/"))
    assert.equal(7, pick(" 7 ", ""))
  end)

  it("decodes ~1 before ~0, and each escape once", function()
    local text = '{"~1":1,"/":2,"~":3,"~01":4,"~0":5,"/~":6}'
    for path, value in pairs {
      ["/~01"] = 1, ["/~1"] = 2, ["/~0"] = 3, ["/~001"] = 4, ["/~00"] = 5, ["/~1~0"] = 6,
    } do
      assert.equal(value, pick(text, path), path)
    end
  end)

  it("that is none is a usage error at the caller's line", function()
    for wrong, why in pairs {
      ["a"] = "begins with '/'", ["a/b"] = "begins with '/'", ["#/a"] = "begins with '/'", [" /a"] = "begins with '/'",
      ["/~"] = "~0", ["/a~"] = "~0", ["/~2"] = "~0", ["/~a/b"] = "~0", ["/a~~0"] = "~0",
    } do
      support.usage("json.pick: '" .. wrong .. "' is no JSON Pointer", pick, "{}", wrong)
      support.usage(why, pick, "{}", { "/a", wrong })
    end
    local line = debug.getinfo(1, "l").currentline + 1
    local err = support.raised(function() pick("{}", "a") end)
    assert.equal("usage", err.kind)
    assert.is_truthy(err.where:find("json_pick_spec.lua:" .. line, 1, true), err.where)
    support.usage("expected a JSON Pointer ('/a/b') or a table of them, got nil", pick, "{}", nil)
    support.usage("expected a JSON Pointer ('/a/b') or a table of them, got 1", pick, "{}", 1)
    support.usage("a JSON Pointer is a string, got 1", pick, "{}", { 1 })
    support.usage("expected a string, got nil", pick, nil, "/a")
    support.usage("did you mean 'depth'", pick, "{}", "/a", { dept = 1 })
  end)
end)

describe("pick", function()
  local TEXT = '{"id":7,"owner":{"name":"x","tags":["a","b"]},"n":null,"f":false}'

  it("gives a table with the keys that it was given", function()
    assert.same({ 7, "x" }, pick(TEXT, { "/id", "/owner/name" }))
    assert.same({ id = 7, name = "x" }, pick(TEXT, { id = "/id", name = "/owner/name" }))
    assert.same({ [1] = 7, [3] = "b", x = false, n = aggr.null },
      pick(TEXT, { "/id", "/no", "/owner/tags/1", x = "/f", n = "/n" }))
    assert.same({}, pick(TEXT, {}))
    assert.same({}, pick(TEXT, { "/no" }))
    assert.same({ aggr.json.decode(TEXT), 7 }, pick(TEXT, { "", "/id" }))
  end)

  it("finds what is inside of each other, and the same twice", function()
    local found = pick(TEXT, { "/owner", "/owner/tags", "/owner/tags/0", again = "/owner/tags/0" })
    assert.same({ { name = "x", tags = { "a", "b" } }, { "a", "b" }, "a", again = "a" }, found)
  end)

  it("takes the last of several members of one name, as decoding does", function()
    assert.equal(2, pick('{"a":1,"a":2}', "/a"))
    assert.is_nil(pick('{"a":{"b":1},"a":{"c":2}}', "/a/b"))
    assert.is_nil(pick('{"a":{"b":1},"a":3}', "/a/b"))
    assert.equal(4, pick('{"a":{"b":1},"a":3,"\\u0061":{"b":4}}', "/a/b"))
    assert.same({ 3, nil }, pick('{"a":{"b":{"c":1}},"a":3}', { "/a", "/a/b/c" }))
    assert.equal(5, pick('[{"a":[1]},{"a":[2],"a":[3,5]}]', "/1/a/1"))
  end)

  it("knows keys by what they say, however they are written", function()
    assert.equal(1, pick([[{"\u0061\/\"\u00e9\ud83d\ude00":1}]], '/a~1"é😀'))
    assert.equal(2, pick([[{"x\u0000y":2}]], "/x\0y"))
    assert.equal(3, pick([[{"\u0031":0,"1":3}]], "/1"))
    assert.is_nil(pick('{"' .. ("\\u0061"):rep(100) .. '":1}', "/a"))
  end)

  it("finds many at a time", function()
    local parts, pointers = {}, {}
    for i = 0, 299 do
      parts[#parts + 1] = ('{"k%d":%d,"x":[%d]}'):format(i, i, -i)
      pointers[#pointers + 1] = ("/%d/k%d"):format(i, i)
      pointers["x" .. i] = ("/%d/x/0"):format(i)
    end
    local found = pick("[" .. table.concat(parts, ",") .. "]", pointers)
    for i = 0, 299 do
      assert.equal(i, found[i + 1])
      assert.equal(-i, found["x" .. i])
    end
  end)

  it("takes decode's options for what it picks", function()
    local text = '{"a":[1,null,{"b":null,"c":2}],"n":null}'
    assert.same({ 1, { c = 2 } }, pick(text, "/a", { null = "nil" }))
    assert.is_nil(pick(text, "/n", { null = "nil" }))
    assert.same({ c = 2 }, pick(text, "/a/2", { null = "nil" }))
    assert.equal(aggr.null, pick(text, "/n"))
    assert.equal(aggr.null, pick(text, "/a/1"))
    local big = "12345678901234567890"
    assert.equal(big, tostring(pick('{"id":' .. big .. "}", "/id")))
    assert.equal(big, pick('{"id":' .. big .. "}", "/id", { bigint = "string" }))
    assert.equal(tonumber(big), pick('{"id":' .. big .. "}", "/id", { bigint = "number" }))
    assert.same({ "b", "a" }, aggr.json.keys(pick('{"x":{"b":1,"a":2}}', "/x", { order = true })))
    assert.equal(1, pick('{"x":{"b":1,"b":2},"y":1}', "/y", { strict = true }))
    local twice = support.raised(pick, '{"x":{"b":1,"b":2},"y":1}', "/x", { strict = true })
    assert.same({ 13, ".x.b" }, { twice.byte, twice.path })
    assert.equal(1, pick('{"y":1}', "/y", { max_size = 7 }))
    local longer = support.raised(pick, '{"y":1} ', "/y", { max_size = 7 })
    assert.is_truthy(longer.message:find("at byte 8 (line 1, column 8): longer than 7 bytes (max_size)", 1, true))
    local err = support.raised(pick, "[[[]]]", "/no", { depth = 2 })
    assert.is_truthy(err.message:find("at byte 3 (line 1, column 3, [1][1]): nested deeper than 2", 1, true))
    assert.is_nil(pick(("["):rep(3000) .. ("]"):rep(3000), "/1", { depth = 3000 }))
    assert.same({}, pick(('{"a":'):rep(999) .. "{}" .. ("}"):rep(999), ("/a"):rep(999)))
  end)

  it("is a method of Responses", function()
    local sent
    local api = aggr.client { base = "http://h", transport = function()
      return { status = 200, body = sent, headers = { ["content-type"] = "text/x" } }
    end }
    sent = TEXT
    local res = api:get "/"
    assert.equal("x", res:pick "/owner/name")
    assert.same({ id = 7, [1] = aggr.null }, res:pick { "/n", id = "/id" })
    assert.same({}, res:pick({ "/n" }, { null = "nil" }))
    support.usage("res:pick: 'id' is no JSON Pointer", function() res:pick "id" end)
    support.usage("res.pick(…): use res:pick(…)", function() res.pick("/id") end)
    sent = '{"a":[1,}'
    local err = support.raised(function() api:get("/x"):pick "/b" end)
    assert.same({ "decode", 9, 1, 9, ".a[2]", 200, "http://h/x" },
      { err.kind, err.byte, err.line, err.column, err.path, err.status, err.url })
    assert.is_truthy(err.message:find("^the body is not JSON: .*content%-type text/x"), err.message)
    sent = ""
    err = support.raised(function() api:get("/x"):pick "" end)
    assert.is_truthy(err.message:find "^the body is not JSON: the text is empty")
  end)

  it("is there in functions of aggr.work, too", function()
    local a, b = aggr.work(function(text)
      local aggr = require "aggr" -- luacheck: ignore (a worker's own)
      local list = {}
      for value in aggr.json.values(text) do list[#list + 1] = value end
      return aggr.json.pick(text:match "^[^ ]+", "/a/1"), #list
    end, '{"a":[1,2]} 5 [6]')
    assert.same({ 2, 3 }, { a, b })
  end)
end)

describe("what pick takes for JSON", function()
  local nowhere = pointer.wanted("/no/such", "test")
  local all = pointer.wanted("", "test")

  local function shown(text) return #text > 80 and text:sub(1, 80) .. "…" or text end

  it("is what decode takes", function()
    for _, case in ipairs(cases.accepted) do
      assert.same(aggr.json.decode(case.text), pick(case.text, ""), shown(case.text))
      assert.is_nil(pick(case.text, "/no/such"), shown(case.text))
      for bytes = 1, math.min(#case.text, 17) do
        assert(pick_sliced(case.text, nowhere, bytes), shown(case.text))
        local _, value = pick_sliced(case.text, all, bytes)
        assert.same(aggr.json.decode(case.text), value, shown(case.text))
      end
    end
  end)

  it("is not what decode refuses, and it says the same of it", function()
    for _, case in ipairs(cases.refused) do
      local err = support.raised(aggr.json.decode, case.text)
      for _, path in ipairs { "/no/such", "" } do
        local other = support.raised(pick, case.text, path)
        assert.same({ err.kind, err.message, err.byte, err.line, err.column, err.path },
          { other.kind, other.message, other.byte, other.line, other.column, other.path }, shown(case.text))
      end
      for bytes = 1, math.min(#case.text, 17) do
        local ok, _, offset = pick_sliced(case.text, nowhere, bytes)
        assert(ok == false and offset + 1 == case.byte, ("%s in slices of %d"):format(shown(case.text), bytes))
      end
    end
  end)

  it("may be wrong behind what was asked for", function()
    local err = support.raised(pick, '{"a":1,"b":[tru]}', "/a")
    assert.same({ "decode", 13, ".b[1]" }, { err.kind, err.byte, err.path })
  end)

  --- A text of one more level each: array, object, …
  it("is refused with the way there, through whatever", function()
    for _, text in ipairs {
      '{"a":{"b":1 2}}', '{"a":{"b":[1,[2,{"c\\u00e9":[x', '{"a":1,b', '{"a":["\1', '{"a" 1}', '[1,]', '[1 2]',
      '{"a":1,}',
      '[[[[{"x":{"y":}', '{"a":{"b', '{"a":{"b":"', '{"a":{"b":"\\x', '[1,"\\ud800"', '{"\\ud800":1}',
      '{"a":[1e999]}',
      '{"a":[[],[1,01', '[{"a":1},{"a":nul}]', '\239\187\1911', '[1]x', '[1] 2', "'a'", '{"a":1e308,"b":17e308}',
      '[1.8e308]',
      '[0.' .. ("0"):rep(400) .. '1e720]', '[' .. ("9"):rep(309) .. ']', '[1e]', '[1e+]', '[1.]', '[.5]', '[-]',
      '[1.e1]',
      '[' .. ("1"):rep(65537) .. ']', '[1.' .. ("1"):rep(65537) .. ']', '["é\200"]',
    } do
      for _, bigint in ipairs { "exact", "string", "number" } do
        local _, err = aggr.try(aggr.json.decode, text, { bigint = bigint })
        local _, other = aggr.try(pick, text, "/no", { bigint = bigint })
        err, other = err or {}, other or {}
        assert.same({ err.message, err.byte, err.path }, { other.message, other.byte, other.path }, text)
        assert(err.message or bigint ~= "number", text)
      end
    end
    for _, text in ipairs { "[1.7e308,1e-999,0e999,0.0e400,123e-400]", "[" .. ("9"):rep(308) .. "]",
      "[0." .. ("0"):rep(400) .. "1e708]", "[1.79769313486231570e308]" } do
      assert.is_nil(pick(text, "/no"))
    end
  end)
end)

describe("pick agrees with decoding and walking", function()
  local seed = 20261129

  local function random(n)
    seed = (seed * 16807) % 2147483647
    return seed % n
  end

  local KEYS = {
    "", "a", "b", "0", "1", "01", "-", "é", "x/y", "m~n", '"', "\\", "long key that takes more than a word", "😀",
  }
  local SPACE = { "", "", "", " ", "\n  ", "\t\r\n" }

  local function space() return SPACE[1 + random(#SPACE)] end

  --- A key or string as JSON text, some of it escaped.
  local function quoted(text)
    return (aggr.json.encode(text):gsub("[a-z]", function(c)
      return random(4) == 0 and c ~= "n" and c ~= "u" and ("\\u%04x"):format(c:byte()) or nil
    end))
  end

  local function document(depth)
    local kind = random(depth > 0 and 9 or 5)
    if kind == 0 then return ({ "true", "false", "null" })[1 + random(3)] end
    if kind <= 2 then return tostring(random(100000) - 500) .. ({ "", ".5", "e3", "E-2", ".25e+1" })[1 + random(5)] end
    if kind <= 4 then return '"text ' .. random(100) .. ' [{,:é\\n\\"]"' end
    local parts = {}
    for i = 1, random(6) do
      local value = space() .. document(depth - 1) .. space()
      if kind <= 6 then
        parts[i] = value
      else -- names may come twice
        parts[i] = space() .. quoted(KEYS[1 + random(#KEYS)]):gsub("\\u0075", "u") .. space() .. ":" .. value
      end
    end
    local inside = table.concat(parts, ",") .. (#parts == 0 and space() or "")
    return kind <= 6 and "[" .. inside .. "]" or "{" .. inside .. "}"
  end

  local is_list = function(t) return #t > 0 or getmetatable(t) ~= nil end

  --- What the tokens lead to in a decoded value.
  local function walk(value, tokens)
    for _, token in ipairs(tokens) do
      if type(value) ~= "table" then return nil end
      if is_list(value) then
        if not (token == "0" or token:find "^[1-9]%d*$") then return nil end
        value = value[tonumber(token) + 1]
      else
        value = value[token]
      end
    end
    return value
  end

  --- Tokens that mostly lead somewhere.
  local function way(value)
    local tokens = {}
    while type(value) == "table" and random(5) > 0 do
      local keys = {}
      for key in pairs(value) do keys[#keys + 1] = key end
      table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
      local key = keys[1 + random(math.max(#keys, 1))]
      if key == nil then break end
      tokens[#tokens + 1] = type(key) == "number" and tostring(key - 1) or key
      value = value[key]
    end
    if random(4) == 0 then tokens[#tokens + 1] = KEYS[1 + random(#KEYS)] end
    return tokens
  end

  it("on random documents", function()
    local began, somewhere = seed, 0
    for i = 1, 600 do
      local text = document(5)
      local value = aggr.json.decode(text)
      local pointers, expected = {}, {}
      for j = 1, 1 + random(8) do
        local tokens = way(value)
        local path = ""
        for _, token in ipairs(tokens) do path = path .. "/" .. escaped(token) end
        pointers[j], expected[j] = path, walk(value, tokens)
        if expected[j] ~= nil then somewhere = somewhere + 1 end
        local ok, found = pick_sliced(text, pointer.wanted(path, "test"), 1 + random(40))
        assert(ok)
        assert.same(expected[j], found, ("seed %d, text %d, %s: %s"):format(began, i, path, text))
      end
      assert.same(expected, pick(text, pointers), text)
    end
    assert.is_true(somewhere > 1000, somewhere .. " pointers led somewhere")
  end)
end)

describe("picking out of a long text", function()
  local ITEM = '{"id":1,"name":"x","list":[1,2,[]]},'

  local function long(slices)
    local text = "[" .. ITEM:rep(math.floor(slices * core.SLICE / #ITEM)) .. '{"end":[7]}]'
    return text, ("/%d/end/0"):format(math.floor(slices * core.SLICE / #ITEM))
  end

  it("gives way after each slice", function()
    local text, path = long(10)
    local turns, value = support.beside(function() return pick(text, path) end)
    assert.equal(7, value)
    assert.is_true(turns >= 9 and turns <= 12, turns .. " turns")
    local api = aggr.client { base = "http://h", transport = function() return { status = 200, body = text } end }
    turns, value = support.beside(function() return api:get("/"):pick(path) end)
    assert.equal(7, value)
    assert.is_true(turns >= 9, turns .. " turns")
  end)

  it("gives way after a slice, whatever it is made of", function()
    assert.equal(256 * 1024, core.SLICE) -- 1 ms at a fourth of the speed that the bench shows
    for _, part in ipairs { "[],", "1,", "          ", '"' .. ("x"):rep(3e6) .. '",', '"' .. ("\\n"):rep(1e6) .. '",',
      ("["):rep(900) .. ("]"):rep(900) .. ",", '"' .. ("é"):rep(2e6) .. '",' } do
      local text = "[" .. part:rep(math.ceil(8 * core.SLICE / #part)) .. "0]"
      local turns = support.beside(function() return pick(text, "/no") end)
      assert.is_true(turns >= math.floor(#text / core.SLICE) - 1, ("%s: %d turns"):format(part:sub(1, 10), turns))
    end
  end)

  it("decodes a long value in slices, too", function()
    local text = '{"a":' .. long(3) .. "}"
    local turns, value = support.beside(function() return pick(text, "/a") end)
    assert.same({ 7 }, value[#value]["end"])
    assert.is_true(turns >= 24, turns .. " turns")
  end)

  it("makes nothing of the rest", function()
    local text, path = long(20)
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    local value = pick(text, path)
    local more = collectgarbage "count" - before
    collectgarbage "restart"
    assert.equal(7, value)
    assert.is_true(more < 50, more .. " KiB")
  end)

  it("stops at the next slice when it is cancelled", function()
    local text, path = long(40)
    local picked, turns, ended = false, 0, false
    aggr.group(function(g)
      local task = g:spawn(function()
        aggr.defer(function() ended = true end)
        pick(text, path)
        picked = true
      end)
      for _ = 1, 5 do aggr.sleep(0) end
      task:cancel()
      while not ended do
        aggr.sleep(0)
        turns = turns + 1
      end
    end)
    assert.is_false(picked)
    assert.is_true(turns <= 2)
  end)

  it("goes on to the end where nothing can wait", function()
    local text, path = long(4)
    local found = {}
    table.sort({ 1, 2 }, function(a, b)
      found[#found + 1] = pick(text, path)
      return a < b
    end)
    assert.equal(7, found[1])
  end)
end)

describe("a picker", function()
  it("looks at what it is given", function()
    for _, wrong in ipairs {
      { "{}", {}, {}, 10 }, { "{}", { "" }, { 0 }, 0 }, { "{}", { 1 }, { 0 }, 10 }, { "{}", { "", "a" }, { 2, 0 }, 10 },
      { io.stdout, { "" }, { 0 }, 10 }, { {}, { "" }, { 0 }, 10 },
    } do
      assert.is_false((pcall(core.picker, unpack(wrong))))
    end
    local picker = core.picker("{}", { "" }, { 0 }, 10)
    assert.is_false((pcall(core.select, picker, 1)))
    assert.is_true(core.step(picker, 1e9))
    assert.is_false((pcall(core.step, picker, 1)))
    assert.is_false((pcall(core.select, picker, 2)))
    assert.equal(0, core.select(picker, 1))
  end)
end)
