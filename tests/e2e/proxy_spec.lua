--- Proxies: whose they are, and what never goes through one. The fixture plays the proxy.
local support = require "e2e.support"

describe("a proxy", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()
  local REFUSED = "http://127.0.0.1:1"

  local function fetch(url, options, env)
    return support.script(([[
      local aggr = require "aggr"
      local res, err = aggr.try(aggr.fetch, %q, %s)
      return res and { res.status, res.url } or { err.kind, err.message }]]
    ):format(url, options or "{}"), { env = env })
  end

  it("of the environment is asked for other hosts, and not with proxy = false", function()
    local env = { http_proxy = fixture:url("") }
    local result = fetch("http://api.invalid/json", nil, env)
    assert.equal('[200,"http://api.invalid/json"]\n', result.out, result.err)
    assert.equal(1, fixture:stats().requests)
    assert.truthy(fetch("http://api.invalid/json", "{ proxy = false }", env).out:find('["dns"', 1, true))
    env.no_proxy = "invalid"
    assert.truthy(fetch("http://api.invalid/json", nil, env).out:find('["dns"', 1, true))
  end)

  it("of the environment is never asked for loopback", function()
    for _, host in ipairs { "127.0.0.1", "localhost" } do
      local url = ("http://%s:%d/json"):format(host, fixture.port)
      assert.equal(('[200,"%s"]\n'):format(url), fetch(url, nil, { http_proxy = REFUSED, all_proxy = REFUSED }).out)
    end
    local fixed = ("http://api.invalid:%d/json"):format(fixture.port)
    assert.equal(('[200,"%s"]\n'):format(fixed),
      fetch(fixed, "{ resolve = { ['api.invalid'] = '127.0.0.1' } }", { http_proxy = REFUSED }).out)
  end)

  it("of the environment that is none fails the requests that would go through it", function()
    for _, name in ipairs { "http_proxy", "all_proxy", "ALL_PROXY" } do
      local env = { [name] = "htp://proxy:3128" }
      assert.equal('["usage","\'http://api.invalid/json\': the environment\'s ' .. name
        .. ': a proxy must be an http, https or socks5h URL"]\n', fetch("http://api.invalid/json", nil, env).out)
      assert.truthy(fetch(fixture:url("/json"), nil, env).out:find("[200,", 1, true))
    end
    local env = { http_proxy = "gar bage" }
    assert.truthy(fetch("http://api.invalid/json", "{ proxy = false }", env).out:find('["dns"', 1, true))
    local redirected = fetch(fixture:url("/redirect?to=http://api.invalid/"), nil, env)
    assert.truthy(redirected.out:find('["usage"', 1, true), redirected.out .. redirected.err)
  end)

  it("that a call names is asked for loopback too, and named when it fails", function()
    local result = fetch(fixture:url("/json"), ("{ proxy = %q }"):format(REFUSED))
    assert.equal('["connect","connection refused by the proxy 127.0.0.1:1"]\n', result.out, result.err)
    result = fetch("https://api.invalid/", ("{ proxy = %q }"):format(fixture:url("")))
    assert.truthy(result.out:find('["connect","cannot connect to the proxy 127.0.0.1', 1, true), result.out)
  end)

  it("gets its own credentials, which the request at its end does not carry", function()
    local result = support.script([[
      local aggr = require "aggr"
      local seen = aggr.fetch("http://api.invalid/echo", { proxy = arg[1], headers = { Cookie = "a=b" } }):json()
      local direct = aggr.fetch(arg[2], { headers = { Cookie = "a=b" } }):json()
      return { seen, direct }]], { args = { (fixture:url(""):gsub("//", "//me:secret@")), fixture:url("/echo") } })
    assert.equal(0, result.code, result.err)
    local through, direct = result.out:match("^%[(.-})%,({.*)%]")
    assert.truthy(through:lower():find('proxy-authorization', 1, true), result.out)
    assert.falsy(direct:lower():find("proxy-authorization", 1, true), result.out)
  end)

  it("that is none is misuse", function()
    for _, proxy in ipairs { "ftp://x", "http://", "http://a b" } do
      local result = fetch(fixture:url("/json"), ("{ proxy = %q }"):format(proxy))
      assert.truthy(result.out:find('["usage"', 1, true), proxy .. ": " .. result.out .. result.err)
    end
  end)
end)
