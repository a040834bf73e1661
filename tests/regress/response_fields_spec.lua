--- A misspelt field of a Response was nil, and nil is left out of what is printed: nobody noticed.
local support = require "e2e.support"

local FAKE = [[
local aggr = require "aggr"
local api = aggr.client { base = "http://127.0.0.1:1", transport = function() return { status = 200, body = "{}" } end }
local res = api:get "/"
]]

describe("a Response", function()
  for code, message in pairs {
    ["res.staus"] = "a Response has no field 'staus', did you mean 'status'?",
    ["res.Headers"] = "a Response has no field 'Headers', did you mean 'headers'?",
    ["res:jsn()"] = "a Response has no field 'jsn', did you mean 'json'?",
    ["res.etag"] = "a Response has no field 'etag'",
    ["res[1]"] = "a Response has no field 1",
  } do
    it("has no field of another name: " .. code, function()
      local result = support.script(FAKE .. "local value = " .. code)
      assert.equal(1, result.code)
      assert.equal(".lua:4: usage: " .. message, result.err:match("^[^\n]-(%.lua:[^\n]*)\n"), result.err)
    end)
  end

  it("has all its own", function()
    local got = support.value(FAKE .. [[
      local names = {}
      for _, name in ipairs { "status", "ok", "url", "headers", "header_values", "http", "body", "json", "attempts",
        "timing" } do
        names[#names + 1] = res[name] ~= nil and name or nil
      end
      return { #names, tostring(res) }]])
    assert.same({ 10, "Response 200 http://127.0.0.1:1/" }, got)
  end)

  it("that is returned, emitted, logged, collected or raised is still told from data", function()
    local result = support.script(FAKE .. [[
      aggr.log.info("seen", { res = res })
      local data, report = aggr.all { a = function() return res end }
      assert(report.complete and data.a == res)
      local _, err = aggr.try(function() error(res) end)
      assert(err.kind == "script" and err.value == res)
      local _, emitted = aggr.try(aggr.emit, res)
      assert(emitted.message:find "a Response %(return res:json", tostring(emitted))
      return res, res]])
    assert.equal(1, result.code)
    assert.truthy(result.err:find("the returned value: a Response (return res:json()", 1, true), result.err)
  end)
end)
