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
      ["HTTP/2"] = { fixture:tls_url("/json"), "http=2" },
      ["http:// through HTTP proxies"] = { fixture:url("/json"), "proxy=" .. fixture:url("") },
    } do
      local got = outcome("native", unpack(request))
      assert.equal("usage", got.kind, what)
      assert.truthy(got.message:find("does not speak " .. what, 1, true), got.message)
    end
    assert.equal("fine", outcome("auto", fixture:url("/json"), "proxy=" .. fixture:url("")))
  end)

  it("is native for https:// when it is forced, or only HTTP/1.1 is asked for", function()
    local fixture = support.fixture()
    local function carrier(flag, http)
      return support.value([[
        local url, http = ...
        return { require("aggr").fetch({ url = url, http = http, tls = { verify = false } }).transport }]],
        { args = { fixture:tls_url("/json"), http }, flags = { "-q", "--transport", flag } })[1]
    end
    assert.equal("native", carrier("auto", "1.1"))
    assert.equal("native", carrier("native", "auto"))
    assert.equal("curl", carrier("auto", "auto"))
    assert.equal("curl", carrier("curl", "1.1"))
  end)

  it("shows in responses, reports and Errors, of which a request that was not sent has none", function()
    local fixture = support.fixture()
    local urls = { fixture:url("/json"), fixture:url("/status/404"), fixture:url("/truncate") }
    for flag, name in pairs { auto = "native", native = "native", curl = "curl" } do
      local got = support.value([[
        local aggr = require "aggr"
        local good, missing, cut = ...
        local names = { fetched = aggr.fetch(good).transport }
        local _, report = aggr.all { good = good, missing = missing, cut = cut, nowhere = "http://none.invalid/" }
        for key, entry in pairs(report.sources) do
          names[key] = { state = entry.state, entry = entry.transport, err = entry.error and entry.error.transport }
        end
        return names]], { args = urls, flags = { "-q", "--partial-ok", "--transport", flag } })
      local lost = { state = "error", entry = name, err = name }
      assert.same({ fetched = name, good = { state = "ok", entry = name }, missing = lost, cut = lost,
        nowhere = { state = "error" } }, got, flag)
    end
  end)

  it("that a redirect leads to is the one named", function()
    local fixture = support.fixture()
    local got = support.value([[
      local from, to = ...
      local res = require("aggr").fetch { url = from, query = { to = to }, tls = { verify = false } }
      return { res.transport }]], { args = { fixture:url("/redirect"), fixture:tls_url("/json") },
      flags = { "-q", "--transport", "auto" } })
    assert.same({ "curl" }, got)
  end)

  it("is named by --envelope and in the lines of -v", function()
    local fixture = support.fixture()
    local result = support.script([[
      local good, missing = ...
      return require("aggr").all { good = good, missing = missing }]],
      { args = { fixture:url("/json"), fixture:url("/status/404") },
        flags = { "--envelope", "-v", "--transport", "curl" } })
    local envelope = require("cjson").decode(result.out)
    local sources = envelope.report.sources
    assert.same({ "curl", "curl", "curl" },
      { sources.good.transport, sources.missing.transport, envelope.errors[1].transport })
    assert.truthy(result.err:find("/json bytes=[^\n]+ status=200 transport=curl\n"), result.err)
    assert.truthy(result.err:find("/status/404 error=status [^\n]+ status=404 transport=curl\n"), result.err)
  end)

  it("takes no other name", function()
    local result = support.aggr({ "run", "--transport", "pigeon", "-e", "return 1" })
    assert.equal(2, result.code)
    assert.truthy(result.err:find("auto|native|curl", 1, true), result.err)
  end)
end)
