--- Retries as the peer sees them.
local attempt = require "e2e.attempt"
local support = require "e2e.support"

describe("retry", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()
  local count = 0

  local function url(query)
    count = count + 1
    return fixture:url(("/fail-then-ok?key=retry%d&%s"):format(count, query))
  end

  it("repeats after 503, 429 and a reset, and tells how many attempts it took", function()
    for _, query in ipairs { "times=2", "times=2&status=429", "times=2&with=reset" } do
      local got = attempt({ url = url(query), retry = { attempts = 3, backoff = 0.01 } })
      assert.equal(200, got.status, got.text)
      assert.equal(3, got.attempts)
    end
  end)

  it("gives up after the given number: the last Error, with its attempt", function()
    local got = attempt({ url = url("times=9"), retry = { attempts = 2, backoff = 0.01 } })
    assert.equal("status", got.kind, got.text)
    assert.equal(503, got.status)
    assert.equal(3, got.attempt)
    assert.equal(3, fixture:stats().requests)
  end)

  it("never repeats a POST, a 500, or a status that was expected", function()
    attempt({ url = url("times=9"), method = "POST", retry = 3 })
    attempt({ url = url("times=9&status=500"), retry = 3 })
    attempt({ url = url("times=9"), expect = "any", retry = 3 })
    assert.equal(3, fixture:stats().requests)
  end)

  it("waits for Retry-After, never past the deadline", function()
    local got = attempt({ url = url("times=1&retry_after=1"), retry = 1 })
    assert.equal(200, got.status, got.text)
    assert.is_true(got.elapsed >= 1, got.elapsed)
    local late = attempt({ url = url("times=1&retry_after=30"), retry = 1, deadline = 0.5 })
    assert.truthy(late.kind == "status" or late.kind == "deadline", late.text)
    assert.is_true(late.elapsed < 5 * support.slow, late.elapsed)
  end)

  it("repeats a timed out attempt with a fresh timeout", function()
    local retry = { attempts = 2, backoff = 0.01 }
    local got = attempt({ url = fixture:url("/hang?phase=head"), timeout = 0.1, retry = retry })
    assert.equal("timeout", got.kind, got.text)
    assert.equal(3, fixture:stats().requests)
    assert.is_true(got.elapsed >= 0.3, got.elapsed)
  end)
end)
