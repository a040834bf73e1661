--- Interim responses and the lines of a head are no silence: idle_timeout begins anew with each.
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

describe("idle_timeout", function()
  support.guard(before_each, after_each)

  it("begins anew with each interim response", function()
    local fixture = support.fixture()
    local got = outcomes.one { url = fixture:url("/interim?count=8&every_ms=100"), idle_timeout = 0.4 * support.slow }
    assert.equal(200, got.status, got.text)
    assert.is_true(got.elapsed > 0.8, tostring(got.elapsed))
  end)

  it("is over when the answer stays away after an interim response", function()
    local fixture = support.fixture()
    local request = outcomes.raw("HTTP/1.1 103 Early Hints\r\n\r\n", "?keep=hang")
    request.idle_timeout = 0.1
    local silent = outcomes.one(request)
    assert.equal("timeout", silent.kind, silent.text)
    assert.equal("wait", silent.phase)
    fixture:await { open_most = 0 }
  end)
end)
