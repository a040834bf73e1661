--- JSON through the whole program: what comes in and goes out again.
local support = require "e2e.support"

local function eval(code, ...)
  return support.aggr { "run", "-e", code, ... }
end

local function file_with(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local DOCUMENT = '{"id":9007199254740993,"ids":[-123456789012345678901234567890,18446744073709551615,1],"zero":-0,'
  .. '"list":[],"object":{},"pi":3.141592653589793,"text":"\\u0000é😀/\\"","none":null}'

describe("a document that a run passes through", function()
  local path
  before_each(function() path = file_with(DOCUMENT) end)
  after_each(function() os.remove(path) end)

  it("keeps every digit, and its order when that was asked for", function()
    local read = ("local data = aggr.json.decode(aggr.read %q, { order = true }) "):format(path)
    assert.equal(DOCUMENT .. "\n", eval(read .. "return data").out)
    assert.equal(DOCUMENT .. "\n", eval(read .. "aggr.emit(data)").out)
    assert.equal(DOCUMENT .. "\n", eval(read .. "return { data }", "--format=ndjson").out)
    assert.equal(DOCUMENT .. "\n", eval(read .. "return aggr.work(function(t) return t end, data)").out)
    assert.is_truthy(eval(read .. "return data", "--envelope").out:find(DOCUMENT, 1, true))
    local copy = os.tmpname()
    eval(read .. "return data", "--out", copy)
    local file = assert(io.open(copy, "rb"))
    assert.equal(DOCUMENT .. "\n", file:read "*a")
    file:close()
    eval(read .. ("aggr.write(%q, aggr.json.encode(data))"):format(copy))
    file = assert(io.open(copy, "rb"))
    assert.equal(DOCUMENT, file:read "*a")
    file:close()
    os.remove(copy)
  end)

  it("has sorted keys otherwise", function()
    local out = eval(("return aggr.json.decode(aggr.read %q)"):format(path)).out
    assert.is_truthy(out:find('^{"id":9007199254740993,"ids":%[%-123456789012345678901234567890,.*"zero":%-0}\n$'), out)
  end)
end)

describe("bytes that are not UTF-8", function()
  it("never stop a run from printing", function()
    local got = eval [[
      aggr.emit { text = "a\255" }
      aggr.log.info("b\254", { ["c\253"] = "d\252" })
      return { ["e\251"] = "f\250" }]]
    assert.equal(0, got.code)
    assert.equal('{"text":"a\239\191\189"}\n{"e\239\191\189":"f\239\191\189"}\n', got.out)
    got = eval([[aggr.log.info("b\254", { ["c\253"] = "d\252" }) error "x\255"]], "--log-format=json", "--envelope")
    assert.is_truthy(got.err:find("b\239\191\189", 1, true), got.err)
    assert.equal(1, got.code)
  end)

  it("are refused in what a script encodes or sends", function()
    local got = eval [[return aggr.json.encode { a = { "x\255" } }]]
    assert.is_truthy(got.err:find("cannot encode a[1]: a string that is not UTF-8", 1, true), got.err)
    got = eval [[return aggr.fetch("http://127.0.0.1:1/", { json = { a = "x\255" } })]]
    assert.is_truthy(got.err:find("cannot encode a: a string that is not UTF-8", 1, true), got.err)
  end)
end)

describe("the text of numbers", function()
  it("is what Python reads and writes as the same doubles", function()
    local script = file_with [[
import json, random, struct, sys
chance = random.Random(11)
def double():
    while True:
        value = struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))[0]
        if value - value == 0:
            return value
given = [double() for _ in range(3000)] + [round(chance.uniform(-1e6, 1e6), chance.randrange(8)) for _ in range(3000)]
if sys.argv[1] == "write":
    print(json.dumps(given))
else:
    got = json.load(sys.stdin)
    assert [struct.pack("<d", x) for x in got] == [struct.pack("<d", x) for x in given]
    print(len(got), "the same")
]]
    local texts, back = os.tmpname(), os.tmpname()
    assert.equal(0, os.execute(("python3 %s write > %s"):format(script, texts)))
    local got = eval(("return aggr.json.decode(aggr.read %q)"):format(texts), "--out", back)
    assert.equal(0, got.code, got.err)
    local pipe = io.popen(("python3 %s read < %s 2>&1"):format(script, back))
    assert.equal("6000 the same\n", pipe:read "*a")
    pipe:close()
    for _, path in ipairs { script, texts, back } do os.remove(path) end
  end)
end)
