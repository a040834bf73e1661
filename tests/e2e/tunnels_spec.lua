--- Connections that lead through others: CONNECT and SOCKS proxies, TLS on a Unix socket.
local outcomes = require "e2e.outcomes"
local posix = require "e2e.posix"
local process = require "e2e.process"
local support = require "e2e.support"

describe("through a tunnel #https", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()
  local tls = { ca = fixture.certs .. "/ca.pem" }
  local running

  -- Starts tunnel.py; its port.
  local function tunnel(...)
    running = process.start({ "python3", "tests/e2e/tunnel.py", ... },
      { stdin = process.PIPE, stdout = process.PIPE })
    return assert(running:read(65536, 10 * support.slow), "no proxy"):match("%d+")
  end

  -- What it was asked for.
  local function asked()
    running:close_stdin()
    local lines, more = "", running:read(65536, 10)
    while more and more ~= "" do
      lines, more = lines .. more, running:read(65536, 10)
    end
    running:wait(10)
    return lines
  end

  for name, scheme in pairs { connect = "http", socks = "socks5h" } do
    it("of a proxy (" .. name .. ") goes TLS with its checks, on one connection for several requests", function()
      local proxy = scheme .. "://127.0.0.1:" .. tunnel(name)
      local url = fixture:tls_url("/json", "good", "api.test")
      local got = support.value([[
        local aggr = require "aggr"
        local url, ca, proxy = ...
        local api = aggr.client { tls = { ca = ca }, proxy = proxy, http = "1.1" }
        local sum = 0
        for _ = 1, 3 do sum = sum + api:get(url).status end
        local _, err = aggr.try(aggr.fetch, { url = url, proxy = proxy, http = "1.1" })
        return { sum, err.kind }]], { args = { url, tls.ca, proxy } })
      assert.same({ 600, "tls" }, got)
      local target = url:match("//(.-)/") .. "\n"
      assert.equal(target:rep(2), asked())
      assert.equal(3, fixture:stats().requests)
    end)
  end

  it("of a SOCKS proxy goes http://, too, and a proxy of the environment is as good", function()
    local proxy = "socks5h://127.0.0.1:" .. tunnel("socks")
    local got = support.value([[
      local aggr = require "aggr"
      local url, proxy = ...
      return { aggr.fetch({ url = url, proxy = proxy }).status, aggr.fetch(url).status }]],
      { args = { "http://api.test:" .. fixture.port .. "/json", proxy }, env = { all_proxy = proxy } })
    assert.same({ 200, 200 }, got)
    assert.equal(("api.test:" .. fixture.port .. "\n"):rep(2), asked())
  end)

  it("that is refused says by whom", function()
    local port = tunnel("connect", "407")
    local got = outcomes.one { url = "https://api.test/", proxy = "http://127.0.0.1:" .. port, http = "1.1" }
    assert.same({ "connect", "connect", "the proxy 127.0.0.1:" .. port .. " answered 407 to CONNECT" },
      { got.kind, got.phase, got.message })
    asked()
    port = tunnel("socks", "5")
    got = outcomes.one { url = "https://api.test/", proxy = "socks5h://127.0.0.1:" .. port, http = "1.1" }
    assert.same({ "connect", "connect" }, { got.kind, got.phase }, got.text)
    assert.truthy(got.message:find("cannot connect to the proxy 127.0.0.1:" .. port, 1, true), got.message)
    asked()
  end)

  it("is not shared by requests that go straight, or by another", function()
    local first = tunnel("connect")
    local url = fixture:tls_url("/json", "good", "api.test")
    local got = support.value([[
      local aggr = require "aggr"
      local url, ca, proxy = ...
      local function ask(through)
        local res = aggr.fetch { url = url, tls = { ca = ca }, http = "1.1", proxy = through,
          resolve = { ["api.test"] = "127.0.0.1" } }
        return res.status
      end
      return { ask(proxy), ask(false), ask((proxy:gsub("127.0.0.1", "localhost"))), ask(proxy), ask(false) }]],
      { args = { url, tls.ca, "http://127.0.0.1:" .. first } })
    assert.same({ 200, 200, 200, 200, 200 }, got)
    assert.equal(3, fixture:stats().accepted)
    asked()
  end)

  it("of a Unix socket is not shared by requests of the same URL that go straight", function()
    local got = support.value([[
      local aggr = require "aggr"
      local url, socket = ...
      local sum = 0
      for i = 1, 4 do sum = sum + aggr.fetch({ url = url, unix_socket = i % 2 == 0 and socket or nil }).status end
      return sum]], { args = { fixture:url("/json"), fixture.socket } })
    assert.equal(800, got)
    assert.equal(2, fixture:stats().accepted)
  end)

  it("of a Unix socket goes TLS", function()
    local socket = posix.mkdtemp(support.folder()) .. "/socket"
    tunnel(tostring(fixture.ports.good), socket)
    local got = outcomes.one { url = "https://localhost/json", unix_socket = socket, tls = tls, http = "1.1" }
    assert.equal(200, got.status, got.text)
    asked()
  end)
end)
