--- Peers that hang, reset, cut short, drip or speak nonsense: the kind, the phase, and nothing left open.
local attempt = require "e2e.attempt"
local support = require "e2e.support"

local function encoded(bytes)
  return (bytes:gsub(".", function(c) return ("%%%02X"):format(c:byte()) end))
end

describe("a peer that fails", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()

  -- what, path, listener, expected kind, expected phase
  local CASES = {
    { "hangs before its head", "/hang?phase=head", "http", "timeout", "wait" },
    { "hangs inside the body", "/hang?phase=body", "http", "timeout", "body" },
    { "drips slower than the timeout", "/drip?bytes=100&every_ms=20", "http", "timeout", "body" },
    { "never completes the connection", "/", "stuck", "timeout", "connect" },
    { "accepts and stays silent", "/", "silent", "timeout", "wait" },
    { "refuses the connection", "/", "refused", "connect", "connect" },
    { "resets before its head", "/reset?phase=head", "http", nil, nil },
    { "resets inside the body", "/reset?phase=body", "http", nil, "body" },
    { "closes before the announced length", "/truncate?framing=length", "http", "truncated", "body" },
    { "closes before the last chunk", "/truncate?framing=chunked", "http", "truncated", "body" },
    { "closes inside a chunk", "/truncate?framing=chunk", "http", "truncated", "body" },
    { "cuts a gzip body", "/gzip?mode=cut", "http", "truncated", "body" },
    { "cuts a deflate body", "/deflate?mode=cut", "http", "truncated", "body" },
    { "cuts a brotli body", "/br?mode=cut", "http", "truncated", "body" },
    { "cuts a zstd body", "/zstd?mode=cut", "http", "truncated", "body" },
    { "cuts a chunked gzip body", "/gzip?mode=cut&framing=chunked", "http", "truncated", "body" },
    { "answers 500", "/status/500", "http", "status", nil },
    { "answers 404", "/status/404", "http", "status", nil },
    { "redirects without end", "/redirect?hops=20", "http", "protocol", nil },
    { "redirects to a file", "/redirect?to=file:///etc/passwd", "http", "denied", nil },
    { "sends more than 256 KiB of head", "/headers?count=900&bytes=400", "http", "protocol", nil },
    { "sends more than 1,000 fields", "/headers?count=1100&bytes=5", "http", "protocol", nil },
  }

  for _, case in ipairs(CASES) do
    local what, path, listener, kind, phase = unpack(case, 1, 5)
    it(("%s: kind %s"):format(what, kind or "of a broken connection"), function()
      local got = attempt({ url = fixture:url(path, listener), timeout = 0.3 })
      if kind then
        assert.equal(kind, got.kind, got.text)
      else
        assert.is_true(got.kind == "connect" or got.kind == "truncated" or got.kind == "protocol", got.text)
      end
      if phase then assert.equal(phase, got.phase, got.text) end
      assert.is_nil(got.message:find("\n", 1, true))
      assert.truthy(got.url:find("^http://127%.0%.0%.1:"))
      if kind == "timeout" then assert.is_true(got.elapsed >= 0.3, "early: " .. got.elapsed) end
    end)
  end

  it("hangs in the TLS handshake: kind timeout, phase tls", function()
    local url = "https://127.0.0.1:" .. fixture.ports.silent .. "/"
    local got = attempt({ url = url, timeout = 0.3 })
    assert.equal("timeout", got.kind, got.text)
    assert.equal("tls", got.phase, got.text)
  end)

  it("does not read the request's body: kind timeout, phase write", function()
    local body = ("x"):rep(100 * 1024)
    local got = support.value([[
      local aggr = require "aggr"
      local _, err = aggr.try(aggr.fetch, { url = arg[1], method = "POST", body = arg[2]:rep(100), timeout = 0.5 })
      return { kind = err.kind, phase = err.phase }
    ]], { args = { fixture:url("/hang?phase=write"), body } })
    assert.same({ kind = "timeout", phase = "write" }, got)
  end)

  it("is silent for idle_timeout: kind timeout, though the timeout is far away", function()
    local waiting = attempt({ url = fixture:url("/hang?phase=head"), idle_timeout = 0.2, timeout = 30 })
    assert.equal("timeout", waiting.kind, waiting.text)
    assert.equal("wait", waiting.phase)
    local reading = attempt({ url = fixture:url("/hang?phase=body"), idle_timeout = 0.2, timeout = 30 })
    assert.equal("body", reading.phase)
    local dripping = attempt({ url = fixture:url("/drip?bytes=10&every_ms=40"), idle_timeout = 0.5 * support.slow,
      timeout = 30 })
    assert.equal(200, dripping.status)
  end)

  it("never connects: connect_timeout, whatever the timeout", function()
    local got = attempt({ url = fixture:url("/", "stuck"), connect_timeout = 0.2, timeout = 30 })
    assert.equal("timeout", got.kind, got.text)
    assert.equal("connect", got.phase)
    assert.is_true(got.elapsed < 5 * support.slow)
  end)

  it("answers 503 with a body: the Error keeps response and status", function()
    local got = support.value([[
      local aggr = require "aggr"
      local _, err = aggr.try(aggr.fetch, arg[1])
      return { status = err.status, body = #err.response.body, kind = err.kind }
    ]], { args = { fixture:url("/status/503?bytes=100000") } })
    assert.same({ status = 503, body = 65536, kind = "status" }, got)
  end)

  it("has a name that does not resolve: kind dns", function()
    local got = attempt({ url = "http://no-such-host.invalid/", timeout = 10 })
    assert.equal("dns", got.kind, got.text)
  end)

  local HOSTILE = {
    ["a status line with CR inside"] = "HTTP/\r1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ["two different lengths"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
    ["a negative length"] = "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi",
    ["a length with junk"] = "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nhi",
    ["length and chunked together"] =
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ["an unknown transfer coding"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi",
    ["a chunk size that is no number"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
    ["a chunk without its end"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiX\r\n0\r\n\r\n",
    ["a space before the colon"] = "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 2\r\n\r\nhi",
    ["a folded line"] = "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nhi",
    ["a NUL in a value"] = "HTTP/1.1 200 OK\r\nX-A: 1\0\r\nContent-Length: 2\r\n\r\nhi",
    ["a field without a colon"] = "HTTP/1.1 200 OK\r\nNonsense\r\nContent-Length: 2\r\n\r\nhi",
    ["no HTTP at all"] = "SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    ["a status out of range"] = "HTTP/1.1 99 Odd\r\nContent-Length: 2\r\n\r\nhi",
  }
  for what, bytes in pairs(HOSTILE) do
    it("sends " .. what .. ": kind protocol", function()
      local got = attempt({ url = fixture:url("/raw?keep=1&data=" .. encoded(bytes)), timeout = 2 })
      assert.equal("protocol", got.kind, got.text or ("status " .. tostring(got.status)))
    end)
  end

  it("closes without an answer, or sends an empty one: an Error, not an empty response", function()
    local got = attempt({ url = fixture:url("/raw?data="), timeout = 2 })
    assert.truthy(got.kind, "accepted nothing as " .. tostring(got.status))
  end)

  it("sends interim answers first: the final one counts", function()
    local bytes = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    local got = attempt({ url = fixture:url("/raw?keep=1&data=" .. encoded(bytes)), timeout = 2 })
    assert.equal(200, got.status, got.text)
    assert.equal("hi", got.body)
    assert.is_nil(got.headers.link)
  end)

  it("answers and then closes without notice: the next request gets a new connection", function()
    local got = support.value([[
      local aggr = require "aggr"
      local statuses = {}
      for i = 1, 20 do statuses[i] = aggr.fetch(arg[1]).status end
      return #statuses
    ]], { args = { fixture:url("/stale") } })
    assert.equal(20, got)
  end)
end)
