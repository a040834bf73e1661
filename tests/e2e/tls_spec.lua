--- TLS: certificates of every sort, and who is shown what.
local attempt = require "e2e.attempt"
local support = require "e2e.support"

local AUTHORITY = "tls = { ca = 'file.pem' } trusts a private certificate authority"

describe("TLS #https", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()
  local ca = fixture.certs .. "/ca.pem"

  it("takes a certificate signed by the given CA, by name and by address", function()
    for _, host in ipairs { "localhost", "127.0.0.1" } do
      local got = attempt({ url = fixture:tls_url("/json?id=3", "good", host), tls = { ca = ca } })
      assert.equal(200, got.status, got.text)
      assert.is_true(got.timing.tls > 0)
    end
  end)

  for listener, what in pairs { expired = "expired", wrong_host = "for another host", self_signed = "self-signed" } do
    it("refuses a certificate that is " .. what .. ": kind tls, phase tls", function()
      local got = attempt({ url = fixture:tls_url("/json", listener), tls = { ca = ca } })
      assert.equal("tls", got.kind, got.text)
      assert.equal("tls", got.phase)
      assert.equal(listener == "self_signed" and AUTHORITY or nil, got.hint, got.text)
      assert.equal(0, fixture:stats().requests)
    end)
  end

  it("refuses a good certificate whose CA it does not know", function()
    local got = attempt({ url = fixture:tls_url("/json") })
    assert.equal("tls", got.kind, got.text)
    assert.equal(AUTHORITY, got.hint, got.text)
  end)

  it("takes anything with verify = false, and warns once", function()
    local result = support.script([[
      local aggr = require "aggr"
      for _, url in ipairs(arg) do aggr.fetch { url = url, tls = { verify = false } } end
    ]], { args = { fixture:tls_url("/json", "expired"), fixture:tls_url("/json", "self_signed"),
      fixture:tls_url("/json", "wrong_host") } })
    assert.equal(0, result.code, result.err)
    local _, warnings = result.err:gsub("verify", "")
    assert.equal(1, warnings, result.err)
  end)

  it("checks against server_name when it is given", function()
    local tls = { ca = ca, server_name = "elsewhere.test" }
    local got = attempt({ url = fixture:tls_url("/json", "wrong_host"), tls = tls })
    assert.equal(200, got.status, got.text)
    local refused = attempt({ url = fixture:tls_url("/json", "good"), tls = tls })
    assert.equal("tls", refused.kind, refused.text)
  end)

  it("connects a made-up name where resolve says", function()
    local got = attempt({ url = fixture:tls_url("/json", "good", "api.test"), tls = { ca = ca },
      resolve = { ["api.test"] = "127.0.0.1" } })
    assert.equal(200, got.status, got.text)
  end)

  it("shows a client certificate to a server that wants one", function()
    local url = fixture:tls_url("/json", "mutual")
    local without = attempt({ url = url, tls = { ca = ca } })
    assert.truthy(without.kind, "accepted without a certificate")
    local with = attempt({ url = url, tls = { ca = ca, cert = fixture.certs .. "/client.pem",
      key = fixture.certs .. "/client.key" } })
    assert.equal(200, with.status, with.text)
  end)

  it("talks about cert and key when those cannot be used", function()
    local certs = fixture.certs
    for _, tls in ipairs {
      { cert = ca, key = certs .. "/client.key" },
      { cert = "/nowhere/client.pem" },
      { cert = certs .. "/client.pem", key = certs .. "/good.key" },
      { cert = certs .. "/client.pem", key = "/nowhere/client.key" },
    } do
      tls.ca = ca
      local got = attempt({ url = fixture:tls_url("/json", "mutual"), tls = tls })
      assert.equal("tls", got.kind, got.text)
      assert.equal("tls = { cert = 'client.pem', key = 'client.key' } are PEM files that belong together", got.hint)
    end
  end)

  it("never reuses a connection made without verification for a request that wants it", function()
    local got = support.value([[
      local aggr = require "aggr"
      aggr.fetch { url = arg[1], tls = { verify = false } }
      local _, err = aggr.try(aggr.fetch, { url = arg[1], tls = { ca = arg[2] } })
      return err.kind
    ]], { args = { fixture:tls_url("/json", "self_signed"), ca } })
    assert.equal("tls", got)
  end)

  it("with a certificate file that is not there is a clear Error", function()
    local got = attempt({ url = fixture:tls_url("/json"), tls = { ca = "/nowhere/ca.pem" } })
    assert.truthy(got.kind == "usage" or got.kind == "tls", got.text)
    assert.truthy(got.text:find("/nowhere/ca.pem", 1, true), got.text)
  end)

  it("keeps its connection for the next request", function()
    support.value([[
      local aggr = require "aggr"
      local api = aggr.client { base = arg[1], tls = { ca = arg[2] }, http = "1.1" }
      for i = 1, 5 do api:json("/json?id=" .. i) end
      return true
    ]], { args = { fixture:tls_url(""), ca } })
    assert.equal(1, fixture:stats().accepted)
    assert.equal(5, fixture:stats().requests)
  end)

  it("works on a unix socket without TLS, too", function()
    local got = attempt({ url = "http://localhost/json?id=9", unix_socket = fixture.socket })
    assert.equal(200, got.status, got.text)
  end)
end)
