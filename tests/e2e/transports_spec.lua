--- Which transport carries a request, and what forcing one does.
local support = require "e2e.support"

local FETCH = [[
  local aggr = require "aggr"
  local url = table.remove(arg, 1)
  local options = { url = url, tls = { verify = false } }
  for _, word in ipairs(arg) do
    local name, value = word:match "^(%w+)=(.*)$"
    options[name] = value
  end
  local response, err = aggr.try(options)
  return err and { kind = err.kind, message = err.message } or "fine"
]]

describe("--transport", function()
  support.guard(before_each, after_each)

  local function outcome(transport, ...)
    return support.value(FETCH, { args = { ... }, flags = { "-q", "--transport", transport } })
  end

  it("curl and native both carry plain requests", function()
    local fixture = support.fixture()
    for _, transport in ipairs { "auto", "native", "curl" } do
      assert.equal("fine", outcome(transport, fixture:url("/json")), transport)
    end
  end)

  it("native refuses what it does not speak, kind usage, and auto does not", function()
    local fixture = support.fixture()
    for what, request in pairs {
      https = { fixture:tls_url("/json") },
      proxies = { fixture:url("/json"), "proxy=http://127.0.0.1:1" },
    } do
      local got = outcome("native", unpack(request))
      assert.equal("usage", got.kind, what)
      assert.truthy(got.message:find("does not speak " .. what, 1, true), got.message)
    end
    assert.equal("fine", outcome("auto", fixture:tls_url("/json")))
  end)

  it("takes no other name", function()
    local result = support.aggr({ "run", "--transport", "pigeon", "-e", "return 1" })
    assert.equal(2, result.code)
    assert.truthy(result.err:find("auto|native|curl", 1, true), result.err)
  end)
end)
