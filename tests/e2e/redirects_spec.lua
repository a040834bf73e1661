--- Redirects are followed by us: methods, bodies, headers, hops, schemes (facts 8).
local cjson = require "cjson"
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

local function escape(text)
  return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
end

describe("a redirect", function()
  support.guard(before_each, after_each)

  local function to(target, query, listener)
    return support.fixture():url("/redirect?to=" .. escape(target) .. (query or ""), listener)
  end

  --- The echo of the last hop: { method, headers = { [lower-case name] = value }, body, … }.
  local function echo(outcome)
    assert.equal(200, outcome.status, outcome.text)
    local seen = cjson.decode(outcome.body)
    local fields = {}
    for _, pair in ipairs(seen.headers) do fields[pair[1]:lower()] = pair[2] end
    seen.headers = fields
    return seen
  end

  it("changes the method as the Fetch standard says, and drops the body with it", function()
    local expected = {
      [301] = { POST = "GET", PUT = "PUT", GET = "GET", HEAD = "HEAD" },
      [302] = { POST = "GET", PUT = "PUT", GET = "GET", HEAD = "HEAD" },
      [303] = { POST = "GET", PUT = "GET", GET = "GET", HEAD = "HEAD" },
      [307] = { POST = "POST", PUT = "PUT", GET = "GET", HEAD = "HEAD" },
      [308] = { POST = "POST", PUT = "PUT", GET = "GET", HEAD = "HEAD" },
    }
    local requests, rows = {}, {}
    for status, methods in pairs(expected) do
      for method, becomes in pairs(methods) do
        local body = (method == "POST" or method == "PUT") and "a body" or nil
        rows[#rows + 1] = { status = status, method = method, becomes = becomes, body = body }
        requests[#requests + 1] = { url = to("/echo", "&status=" .. status), method = method, body = body,
          headers = { ["Content-Type"] = body and "text/x" or nil } }
      end
    end
    for i, outcome in ipairs(outcomes.of(requests)) do
      local row = rows[i]
      local name = row.method .. " " .. row.status
      if row.method == "HEAD" then
        assert.equal(200, outcome.status, name)
      else
        local seen = echo(outcome)
        local kept = row.becomes == row.method and row.body
        assert.equal(row.becomes, seen.method, name)
        assert.equal(kept or "", seen.body, name)
        assert.equal(kept and "text/x" or nil, seen.headers["content-type"], name)
      end
      assert.truthy(outcome.url:find("/echo", 1, true), name)
    end
  end)

  it("keeps all headers within an origin", function()
    local seen = echo(outcomes.one { url = to("/echo"), headers = { Authorization = "Bearer t", Cookie = "a=1",
      ["X-Api-Key"] = "k", Accept = "x/y" } })
    assert.equal("Bearer t", seen.headers.authorization)
    assert.equal("a=1", seen.headers.cookie)
    assert.equal("k", seen.headers["x-api-key"])
  end)

  local SECRET = { Authorization = "Bearer t", Cookie = "a=1", ["X-Api-Key"] = "k", ["Proxy-Authorization"] = "p",
    ["X-Anything"] = "z", Accept = "x/y", ["Accept-Language"] = "de", ["User-Agent"] = "ua/1" }

  local function check_stripped(seen)
    for _, name in ipairs { "authorization", "cookie", "x-api-key", "proxy-authorization", "x-anything" } do
      assert.is_nil(seen.headers[name], name)
    end
    assert.equal("x/y", seen.headers.accept)
    assert.equal("de", seen.headers["accept-language"])
    assert.equal("ua/1", seen.headers["user-agent"])
  end

  it("to another origin takes only harmless headers along, and back again too", function()
    local fixture = support.fixture()
    local there = fixture:url("/echo", "http2")
    check_stripped(echo(outcomes.one { url = to(there), headers = SECRET }))
    local and_back = to(to(fixture:url("/echo"), nil, "http2"))
    check_stripped(echo(outcomes.one { url = and_back, headers = SECRET }))
    check_stripped(echo(outcomes.one { url = to(("http://localhost:%d/echo"):format(fixture.port)), headers = SECRET }))
  end)

  it("to another origin gets neither userinfo nor auth", function()
    local fixture = support.fixture()
    local there, userinfo = fixture:url("/echo", "http2"), fixture:url("/redirect"):gsub("//", "//u:p@")
    local ended = outcomes.of {
      { url = userinfo .. "?to=" .. escape(there) },
      { url = userinfo .. "?to=/echo" },
      { url = to(there), auth = { user = "u", password = "p" } },
      { url = to("/echo"), auth = { bearer = "b" } },
    }
    assert.is_nil(echo(ended[1]).headers.authorization)
    assert.equal("Basic dTpw", echo(ended[2]).headers.authorization)
    assert.is_nil(echo(ended[3]).headers.authorization)
    assert.equal("Bearer b", echo(ended[4]).headers.authorization)
  end)

  it("from https to http counts as another origin", function()
    local fixture = support.fixture()
    local target = fixture:tls_url("/redirect?to=" .. escape(fixture:url("/echo")))
    check_stripped(echo(outcomes.one { url = target, headers = SECRET, tls = { ca = fixture.certs .. "/ca.pem" } }))
  end)

  it("with status 307 sends the body again, also to another origin", function()
    local seen = echo(outcomes.one { url = to(support.fixture():url("/echo", "http2"), "&status=307"), method = "POST",
      json = { a = 1 } })
    assert.equal('{"a":1}', seen.body)
    assert.equal("POST", seen.method)
  end)

  it("is followed ten times and no more", function()
    local fixture = support.fixture()
    local ended = outcomes.of {
      { url = to("/json", "&hops=9") }, { url = to("/json", "&hops=10") },
      { url = to("/json", "&hops=1"), redirects = 1 }, { url = to("/json", "&hops=1"), redirects = 2 },
      { url = to("/redirect?to=x", "&hops=1000") },
    }
    assert.equal(200, ended[1].status, ended[1].text)
    assert.equal("protocol", ended[2].kind, ended[2].text)
    assert.equal("protocol", ended[3].kind, ended[3].text)
    assert.equal(200, ended[4].status, ended[4].text)
    assert.equal("protocol", ended[5].kind, ended[5].text)
    assert.equal(11 + 11 + 2 + 3 + 11, fixture:stats().requests)
  end)

  it("is handed back with redirects = 0", function()
    local ended = outcomes.of {
      { url = to("/json"), redirects = 0 }, { url = to("ftp://x/"), redirects = 0 },
      { url = support.fixture():url("/status/304"), redirects = 0 },
    }
    for i, status in ipairs { 302, 302, 304 } do assert.equal(status, ended[i].status, ended[i].text) end
    assert.equal("/json", ended[1].headers.location)
    assert.equal(3, support.fixture():stats().requests)
  end)

  it("to another scheme is kind denied", function()
    for _, target in ipairs { "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "javascript:0",
      "data:text/plain,x", "ws://127.0.0.1/" } do
      local got = outcomes.one { url = to(target) }
      assert.equal("denied", got.kind, target .. " " .. tostring(got.text))
    end
  end)

  it("resolves every kind of reference", function()
    local fixture = support.fixture()
    local host = "127.0.0.1:" .. fixture.port
    local expected = {
      ["/json?id=1"] = "/json?id=1", ["json?id=2"] = "/json?id=2", ["./json"] = "/json", ["../../json"] = "/json",
      ["//" .. host .. "/json"] = "/json", ["http://" .. host .. "/json#part"] = "/json",
      ["HTTP://" .. host .. "/json"] = "/json", ["/items/../json"] = "/json", ["/json#part"] = "/json",
    }
    local targets, requests = {}, {}
    for target in pairs(expected) do
      targets[#targets + 1] = target
      requests[#requests + 1] = { url = to(target) }
    end
    for i, got in ipairs(outcomes.of(requests)) do
      assert.equal(fixture:url(expected[targets[i]]), got.url, targets[i] .. " " .. tostring(got.text))
    end
  end)

  it("to nowhere is an error in one line", function()
    for _, target in ipairs { "http://", "http://127.0.0.1:99999/", "http://[::1/", "http://a b/" } do
      local got = outcomes.one { url = to(target) }
      assert.truthy(got.kind == "protocol" or got.kind == "denied", target .. " " .. tostring(got.text))
      assert.is_nil(got.text:find("\n"))
    end
    local got = outcomes.one { url = support.fixture():url("/redirect?location=none") }
    assert.equal("status", got.kind)
    assert.equal(302, got.status)
  end)

  it("shares one time-out over its hops", function()
    local got = outcomes.one { url = to(support.fixture():url("/hang?phase=head", "http2")), timeout = 0.3 }
    assert.equal("timeout", got.kind)
    assert.equal("wait", got.phase)
    assert.is_true(got.elapsed >= 0.3 and got.elapsed < 5)
  end)
end)
