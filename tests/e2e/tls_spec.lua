--- TLS: whose certificate is believed, and what a refusal says.
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

describe("TLS", function()
  support.guard(before_each, after_each)

  local function request(listener, tls, host)
    local fixture = support.fixture()
    tls = tls or {}
    if tls.ca == nil then tls.ca = fixture.certs .. "/ca.pem" end
    return { url = fixture:tls_url("/json", listener, host), tls = tls }
  end

  local function file(name)
    return support.fixture().certs .. "/" .. name
  end

  it("with a private CA works by name and by address", function()
    for _, got in ipairs(outcomes.of { request("good"), request("good", nil, "127.0.0.1") }) do
      assert.equal(200, got.status, got.text)
      assert.is_true(got.timing.tls > 0)
    end
  end)

  it("refuses an expired, a foreign, a self-signed and an unknown certificate", function()
    local fixture = support.fixture()
    local requests = { request("expired"), request("wrong_host"), request("self_signed"),
      { url = fixture:tls_url("/json") } }
    local words = { "expire", "", "self", "" }
    for i, got in ipairs(outcomes.of(requests)) do
      assert.equal("tls", got.kind, got.text)
      assert.equal("tls", got.phase, got.text)
      assert.truthy(got.message:lower():find(words[i], 1, true), got.message)
      assert.truthy(got.hint)
    end
    assert.equal(0, fixture:stats().requests)
  end)

  it("with verify = false takes them all, and warns once", function()
    local requests = {}
    for _, listener in ipairs { "expired", "wrong_host", "self_signed", "good" } do
      requests[#requests + 1] = request(listener, { verify = false, ca = false })
      requests[#requests].tls.ca = nil
    end
    local ended, process = outcomes.of(requests)
    for _, got in ipairs(ended) do assert.equal(200, got.status, got.text) end
    local _, warnings = process.err:gsub("verify", "")
    assert.equal(1, warnings, process.err)
  end)

  it("does not hand a connection from one policy to another", function()
    local fixture = support.fixture()
    local url = fixture:tls_url("/json", "self_signed")
    local ended = outcomes.of { { url = url, tls = { verify = false } }, { url = url }, { url = url,
      tls = { ca = file("self-signed.pem") } } }
    assert.equal(200, ended[1].status, ended[1].text)
    assert.equal("tls", ended[2].kind)
    assert.equal(200, ended[3].status, ended[3].text)
  end)

  it("shows a client certificate when asked", function()
    local with = request("mutual", { cert = file("client.pem"), key = file("client.key") })
    local ended = outcomes.of { with, request("mutual") }
    assert.equal(200, ended[1].status, ended[1].text)
    assert.equal("tls", ended[2].kind, ended[2].text)
  end)

  it("checks server_name in place of the URL's host", function()
    local fixture = support.fixture()
    local wrong = request("wrong_host", { server_name = "elsewhere.test" })
    local named = request("good", nil, "api.test")
    named.resolve = { ["api.test"] = "127.0.0.1" }
    local bad = request("good", { server_name = "elsewhere.test" })
    local ended = outcomes.of { wrong, named, bad }
    assert.equal(200, ended[1].status, ended[1].text)
    assert.equal(200, ended[2].status, ended[2].text)
    assert.equal("tls", ended[3].kind, ended[3].text)
    assert.equal(2, fixture:stats().requests)
  end)

  it("against a plain port, and plain HTTP against a TLS port, fail clearly", function()
    local fixture = support.fixture()
    local ended = outcomes.of {
      { url = ("https://localhost:%d/json"):format(fixture.port), timeout = 5 },
      { url = fixture:tls_url("/json"):gsub("^https", "http"), timeout = 5 },
    }
    assert.equal("tls", ended[1].kind, ended[1].text)
    assert.truthy(ended[2].kind == "protocol" or ended[2].kind == "truncated", ended[2].text)
  end)

  it("with an unusable file names it", function()
    local got = outcomes.one(request("good", { ca = "/no/such/ca.pem" }))
    assert.truthy(got.kind == "usage" or got.kind == "tls", got.text)
    assert.truthy(got.text:find("/no/such/ca.pem", 1, true), got.text)
  end)

  it("refuses a bad certificate with exit code 4 and one plain line", function()
    local fixture = support.fixture()
    local got = support.script(('return require("aggr").fetch(%q).body'):format(fixture:tls_url("/json", "expired")))
    assert.equal(4, got.code, got.err)
    assert.equal("", got.out)
    assert.truthy(got.err:match("^[^\n]*: tls: GET https://localhost"), got.err)
  end)
end)
