--- A connection that ends between request and answer: libcurl sends the request again on another one
--- when the first had been used before. Not what may not be done twice (RFC 9110 §9.2.2).
local cjson = require "cjson"
local outcomes = require "e2e.outcomes"
local posix = require "e2e.posix"
local process = require "e2e.process"
local support = require "e2e.support"

describe("a reused connection that is reset before the answer", function()
  support.guard(before_each, after_each)

  local function ends(method)
    local fixture = support.fixture()
    local got = outcomes.of {
      { url = fixture:url("/json") },
      { url = fixture:url("/reset?phase=head"), method = method, body = "pay" },
      { url = fixture:url("/json") },
    }
    assert.equal(200, got[1].status)
    assert.equal(200, got[3].status)
    assert.equal("connect", got[2].kind)
    assert.equal("wait", got[2].phase)
    return fixture:stats().paths["/reset"].requests
  end

  it("fails a POST at once: the server may have done it", function()
    assert.equal(1, ends("POST"))
  end)

  it("fails a PATCH and an unknown method at once", function()
    assert.equal(1, ends("PATCH"))
    assert.equal(2, ends("FROB"))
  end)

  it("tries a PUT once more on a new connection", function()
    assert.equal(2, ends("PUT"))
  end)

  it("names the connection when the server is gone by then", function()
    local program = os.getenv("AGGR_FIXTURE") or support.bin:gsub("[^/]+$", "aggr-fixture")
    local peer = process.start({ program, "--stdin" }, { stdin = process.PIPE, stdout = process.PIPE })
    local port = cjson.decode(peer:read()).http
    local base = "http://127.0.0.1:" .. port
    local running = support.start { "run", "-e", ([[
      aggr.fetch("%s/json")
      local _, err = aggr.try(aggr.fetch, "%s/hang?phase=head")
      return { kind = err.kind, phase = err.phase, text = tostring(err) }
    ]]):format(base, base) }
    assert.equal(200, (posix.http(port, "GET", "/await?path=/hang&in_flight=1&timeout_ms=20000")))
    peer:signal("TERM") -- it refuses connections before it breaks them; killed, it may do so after
    peer:wait(10)
    local got = cjson.decode(running:finish().out)
    assert.equal("connect", got.kind, got.text)
    assert.equal("connect", got.phase)
  end)
end)
