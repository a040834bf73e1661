local core = require "lua.support.core"
local raised = core.raised

describe("aggr.json", function()
  local json, errors

  before_each(function()
    core.reset()
    json, errors = require "aggr.json", require "aggr.errors"
  end)

  local function refused(value, message)
    local err = raised(json.encode, value)
    assert.are.equal("usage", err.kind)
    assert.truthy(err.message:find(message, 1, true), err.message)
  end

  it("sorts keys and writes arrays and objects", function()
    assert.are.equal('{"a":[1,"x",true],"b":{},"c":null,"d":[]}',
      json.encode { d = json.array {}, c = json.null, b = {}, a = { 1, "x", true } })
    assert.are.equal("false", json.encode(false))
  end)

  it("escapes strings and mends what is not UTF-8", function()
    assert.are.equal([["\"\\\n\t\u0000\u001f/]] .. "\127é€😀" .. '"',
      json.encode '"\\\n\t\0\31/\127é€😀')
    local bad = "\239\191\189"
    for _, case in ipairs { "\255", "a\192\175", "\237\160\128", "\244\144\128\128", "é\195", "\240\159\152" } do
      local text = json.encode(case)
      assert.truthy(text:find(bad, 1, true), text)
      assert.are.equal(text, json.encode(json.decode(text)))
    end
  end)

  it("writes numbers exactly and no longer than needed", function()
    for value, text in pairs {
      [0] = "0", [-1] = "-1", [0.1] = "0.1", [1 / 3] = "0.3333333333333333", [1e100] = "1e+100",
      [9007199254740992] = "9007199254740992", [123456789012345] = "123456789012345",
      [0.1 + 0.2] = "0.30000000000000004", [1e21] = "1e+21", [5e-324] = "4.9406564584125e-324",
    } do
      assert.are.equal(text, json.encode(value))
    end
    math.randomseed(7)
    for _ = 1, 2000 do
      local value = (math.random() - 0.5) * 10 ^ math.random(-300, 300)
      assert.are.equal(value, tonumber(json.encode(value)))
    end
    assert.are.equal("12", json.encode(12LL))
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
  end)

  it("names path and remedy for mixed, holed and number keys", function()
    refused({ x = { 1, a = 2 } }, "cannot encode x: it has both string and number keys (aggr.object(t)")
    refused({ 1, nil, 3 }, "a list with a hole at 2 (put aggr.null there")
    refused({ [5] = 1 }, "aggr.object")
    refused({ [1.5] = 1 }, "its number keys are not 1..n (aggr.object(t)")
    refused({ [0] = 1, 2 }, "its number keys are not 1..n")
    refused(json.array { a = 1 }, "marked as an array, but")
    refused(json.object { 1, ["1"] = 2 }, "two keys would print as \"1\"")
  end)

  it("prints the number keys of aggr.object as strings", function()
    assert.are.equal('{"10":"x","2":"y","a":1}', json.encode(json.object { [10] = "x", [2] = "y", a = 1 }))
    assert.are.equal("usage", raised(json.object, 1).kind)
    assert.are.equal("usage", raised(json.array).kind)
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
