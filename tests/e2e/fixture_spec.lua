--- The fixture itself: what the other specs take for granted about it. Asked with curl and raw sockets.
local posix = require "e2e.posix"
local support = require "e2e.support"

describe("the fixture", function()
  support.guard(before_each, after_each)

  local function curl(...)
    return support.command({ "curl", "-sS", "--max-time", "5", ... })
  end

  it("answers JSON, and counts requests, paths and reuse exactly", function()
    local fixture = support.fixture()
    local got = curl(fixture:url("/json?id=7"), fixture:url("/items/8"), fixture:url("/json"))
    assert.equal(0, got.code, got.err)
    assert.truthy(got.out:find('"id":7', 1, true))
    local stats = fixture:stats()
    assert.equal(3, stats.requests)
    assert.equal(2, stats.reused)
    assert.equal(1, stats.accepted)
    assert.equal(2, stats.paths["/json"].requests)
    assert.equal(1, stats.peak)
  end)

  it("holds answers at a gate until it is opened", function()
    local fixture = support.fixture()
    local first = require("e2e.process").start({ "curl", "-sS", fixture:url("/gate?name=a") })
    local second = require("e2e.process").start({ "curl", "-sS", fixture:url("/gate?name=a") })
    assert.equal(2, fixture:await({ gate = "a", waiting = 2 }).in_flight)
    fixture:open("a", 1)
    fixture:await { in_flight_most = 1 }
    fixture:open("a")
    assert.equal('{"gate":"a"}', first:wait(5).out)
    assert.equal('{"gate":"a"}', second:wait(5).out)
    assert.equal(2, fixture:stats().peak)
  end)

  it("notices a client that leaves, before it counts the next one", function()
    local fixture = support.fixture()
    for _ = 1, 20 do
      local hanging = require("e2e.process").start({ "curl", "-sS", fixture:url("/hang?phase=head") })
      fixture:await { in_flight = 1 }
      hanging:signal("KILL")
      hanging:wait(5)
      curl(fixture:url("/json"))
    end
    local stats = fixture:await { in_flight_most = 0 }
    assert.equal(1, stats.peak)
    assert.equal(20, stats.aborted)
  end)

  it("speaks TLS with a certificate of each sort", function()
    local fixture = support.fixture()
    local ca = fixture.certs .. "/ca.pem"
    local function try(listener, ...)
      return curl("--cacert", ca, fixture:tls_url("/json", listener), ...).code
    end
    assert.equal(0, try("good"))
    assert.equal(60, try("expired"))
    assert.equal(60, try("wrong_host"))
    assert.equal(60, try("self_signed"))
    assert.not_equal(0, try("mutual"))
    assert.equal(0, try("mutual", "--cert", fixture.certs .. "/client.pem", "--key", fixture.certs .. "/client.key"))
  end)

  it("cuts, resets, drips and refuses as asked", function()
    local fixture = support.fixture()
    local expected = {
      [18] = { "/truncate", "/truncate?framing=chunked", "/truncate?framing=chunk" },
      [56] = { "/reset", "/reset?phase=body" },
      [0] = { "/drip?bytes=4&every_ms=1", "/drip?bytes=4&every_ms=1&framing=chunked", "/chunked?n=1000&trailer",
        "/bytes?n=3000000", "/headers?count=900&bytes=20", "/status/204", "/stale" },
    }
    for code, paths in pairs(expected) do
      for _, path in ipairs(paths) do assert.equal(code, curl(fixture:url(path)).code, path) end
    end
    assert.equal(7, curl(fixture:url("/", "refused")).code)
    assert.not_equal(0, curl(fixture:url("/", "reset")).code)
    assert.equal(28, curl("--max-time", "0.2", fixture:url("/", "stuck")).code)
    assert.equal(28, curl("--max-time", "0.2", fixture:url("/", "silent")).code)
    local got = curl(fixture:url("/drip?bytes=5&every_ms=1"))
    assert.equal("abcde", got.out)
  end)

  it("compresses whole and cut bodies in each coding", function()
    local fixture = support.fixture()
    for _, coding in ipairs { "gzip", "deflate", "br", "zstd" } do
      local whole = curl("--compressed", fixture:url("/" .. coding .. "?bytes=5000&framing=chunked"))
      assert.equal(5000, #whole.out, coding)
      local cut = curl("--compressed", fixture:url("/" .. coding .. "?bytes=5000&mode=cut"))
      assert.is_true(#cut.out < 5000, coding)
      local twice = curl("--compressed", fixture:url("/" .. coding .. "?bytes=5000&times=2"))
      assert.equal(5000, #twice.out, coding)
    end
  end)

  it("echoes what it was sent, and sends raw bytes verbatim", function()
    local fixture = support.fixture()
    local got = curl("-X", "PUT", "-d", 'a"b', "-H", "X-One: 1", fixture:url("/echo?q=%20"))
    local echo = require("cjson").decode(got.out)
    assert.equal("PUT", echo.method)
    assert.equal('a"b', echo.body)
    assert.equal("q=%20", echo.query)
    local status, body = posix.http(fixture.port, "POST", "/raw", "HTTP/1.1 299 Odd\r\n\r\nhello")
    assert.equal(299, status)
    assert.equal("hello", body)
  end)

  it("redirects, fails then recovers, and asks for a retry", function()
    local fixture = support.fixture()
    assert.equal(0, curl("-L", fixture:url("/redirect?hops=5&status=307")).code)
    assert.equal(6 + 1, fixture:stats().requests)
    local first = curl("-i", fixture:url("/fail-then-ok?key=spec&times=1&retry_after=3"))
    assert.truthy(first.out:find("503", 1, true) and first.out:find("Retry-After: 3", 1, true))
    assert.equal('{"attempt":2}', curl(fixture:url("/fail-then-ok?key=spec&times=1")).out)
  end)

  it("answers on a unix socket", function()
    local fixture = support.fixture()
    local got = curl("--unix-socket", fixture.socket, "http://localhost/json")
    assert.equal(0, got.code, got.err)
  end)
end)
