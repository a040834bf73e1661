local core = require "lua.support.core"
local raised = core.raised

describe("a client", function()
  local new, fetch, json

  before_each(function()
    core.reset()
    new = require("aggr.client").new
    json = require "aggr.json"
    local request, plan = require "aggr.request", require "aggr.plan"
    fetch = function(url, opts) return request.fetch(plan.root, url, opts, "aggr.fetch") end
  end)

  local function last() return core.sent[#core.sent] end

  local function here(offset)
    return "tests/lua/client_spec.lua:" .. debug.getinfo(2, "l").currentline + (offset or 0)
  end

  it("asks with GET and the defaults", function()
    local res = fetch("http://h/x")
    local sent = last()
    assert.are.equal(200, res.status)
    assert.are.same({ "GET", "http://h/x", "", 10, 5, false, 2 ^ 24, 10 }, { sent.method, sent.url,
      sent.headers, sent.timeout, sent.connect_timeout, sent.idle_timeout, sent.max_body,
      sent.redirects })
    assert.is_nil(sent.body)
  end)

  it("joins base and path with exactly one slash", function()
    for _, base in ipairs { "http://h/v1", "http://h/v1/", "http://h/v1//" } do
      local api = new { base = base }
      for _, path in ipairs { "x", "/x", "//x" } do
        api:fetch(path)
        assert.are.equal("http://h/v1/x", last().url)
      end
      api:fetch("")
      assert.are.equal("http://h/v1", last().url)
      api:fetch("?a=1")
      assert.are.equal("http://h/v1?a=1", last().url)
    end
  end)

  it("sends its headers and auth to its own origin only", function()
    local api = new { base = "http://h/v1", headers = { ["X-Key"] = "k" }, auth = { bearer = "t" },
      query = { key = "secret" } }
    api:get("/x")
    assert.are.equal("Authorization: Bearer t\nX-Key: k\n", last().headers)
    assert.are.equal("http://h/v1/x?key=secret", last().url)
    api:get("http://h:80/other")
    assert.are.equal("Authorization: Bearer t\nX-Key: k\n", last().headers)
    api:get("http://other/x")
    assert.are.equal("", last().headers)
    assert.are.equal("http://other/x", last().url)
    api:get("https://h/x", { headers = { A = "b" } })
    assert.are.equal("A: b\n", last().headers)
  end)

  it("lets a call's headers replace its own, whatever the case", function()
    local api = new { base = "http://h", headers = { Accept = "a", ["x-one"] = 1 } }
    api:get("/", { headers = { ACCEPT = { "b", "c" } } })
    assert.are.equal("ACCEPT: b\nACCEPT: c\nx-one: 1\n", last().headers)
    api:get("/", { auth = { user = "u", password = "p" } })
    assert.are.equal("Accept: a\nAuthorization: Basic dTpw\nx-one: 1\n", last().headers)
  end)

  it("has a method per verb", function()
    local api = new { base = "http://h" }
    for _, name in ipairs { "get", "head", "post", "put", "patch", "delete" } do
      api[name](api, "/x")
      assert.are.equal(name:upper(), last().method)
    end
    api:fetch("/x", { method = "purge" })
    assert.are.equal("PURGE", last().method)
  end)

  it("encodes json and form bodies", function()
    local api = new { base = "http://h" }
    api:post("/x", { json = { b = 1, a = { 1 } } })
    assert.are.equal('{"a":[1],"b":1}', last().body)
    assert.are.equal("Content-Type: application/json\n", last().headers)
    api:post("/x", { form = { b = { 1, 2 }, a = "x y" } })
    assert.are.equal("a=x%20y&b=1&b=2", last().body)
    assert.are.equal("Content-Type: application/x-www-form-urlencoded\n", last().headers)
    api:post("/x", { json = {}, headers = { ["content-type"] = "application/vnd+json" } })
    assert.are.equal("content-type: application/vnd+json\n", last().headers)
    api:post("/x", { body = "text" })
    assert.are.equal("", last().headers)
  end)

  it("decodes with json, and gives nil for 204", function()
    local api = new { base = "http://h" }
    core.answers = { { body = '{"a":[1,null]}' }, { status = 204 } }
    assert.are.same({ a = { 1, json.null } }, api:json("/x"))
    assert.is_nil(api:json("/x"))
  end)

  it("names byte and content type where the body is not JSON", function()
    local api = new { base = "http://h" }
    core.answers = { { body = "<html>", headers = { ["Content-Type"] = "text/html" } } }
    local err = raised(api.json, api, "/x")
    assert.are.equal("decode", err.kind)
    assert.are.equal("http://h/x", err.url)
    assert.truthy(err.message:find("at byte 1", 1, true))
    assert.truthy(err.message:find("text/html", 1, true))
    assert.are.same({ "GET", "native" }, { err.method, err.transport })
    core.answers = { { body = "<html>" } }
    local res = api:post("/x")
    assert.are.equal("POST", raised(res.json, res).method)
  end)

  it("takes the time-out of the call, the scope, the client, the command line, in this order", function()
    local api, plain = new { base = "http://h", timeout = 3 }, new { base = "http://h" }
    api:get("/")
    assert.are.equal(3, last().timeout)
    core.scope_timeout = 4
    api:get("/")
    assert.are.equal(4, last().timeout)
    api:get("/", { timeout = "200ms" })
    assert.are.equal(0.2, last().timeout)
    api:get("/", { timeout = false })
    assert.is_false(last().timeout)
    core.scope_timeout = nil
    require("aggr.options").defaults.timeout = 7
    plain:get("/")
    assert.are.equal(7, last().timeout)
  end)

  it("keeps one profile, and one for each set of connection options of a call", function()
    local api = new { base = "http://h", concurrency = 5, tls = { ca = "ca.pem" } }
    assert.are.same({ { concurrency = 5, ca = "ca.pem" } }, core.profiles)
    api:get("/")
    api:get("/", { timeout = 1, headers = { A = 1 }, query = { a = 1 }, retry = 1 })
    assert.are.equal(1, #core.profiles)
    for _ = 1, 3 do api:get("/", { proxy = "http://p:1" }) end
    assert.are.equal(2, #core.profiles)
    assert.are.same({ concurrency = 5, ca = "ca.pem", proxy = "http://p:1", permits = { profile = 1 } },
      core.profiles[2])
    api:get("/", { proxy = false, resolve = { h = "127.0.0.1" }, http = "2", unix_socket = "/s" })
    assert.are.same({ concurrency = 5, ca = "ca.pem", proxy = false, http = "2", unix_socket = "/s",
      resolve = { h = "127.0.0.1" }, permits = { profile = 1 } }, core.profiles[3])
  end)

  it("warns once when it asks for more than the process allows", function()
    new { concurrency = 1000 }
    new { concurrency = 2000 }
    new { tls = { verify = false } }
    new { tls = { verify = false } }
    assert.are.equal(2, #core.warnings)
    assert.truthy(core.warnings[1]:find("concurrency = 1000 is more than the process allows (128)", 1, true))
  end)

  it("answers a call with a dot with the way to write it", function()
    local api = new { base = "http://h" }
    local err = raised(function() api.fetch("/x") end)
    assert.are.equal("api.fetch(…): use api:fetch(…)", err.message)
    assert.are.equal(here(-2), err.where)
    assert.are.equal("api.json(…): use api:json(…)", raised(function() api.json() end).message)
    assert.are.equal("a client has no 'pots', did you mean 'post'?",
      raised(function() api:pots("/x") end).message)
    assert.are.equal("usage", raised(function() api.base = 1 end).kind)
  end)

  describe("refuses", function()
    local api
    before_each(function() api = new { base = "http://h" } end)

    local function refused(what, opts, path)
      local err = raised(function() return (api:fetch(path or "/x", opts)) end)
      assert.are.equal("usage", err.kind)
      assert.truthy(err.where:find("client_spec.lua:%d+$"))
      assert.truthy(err.message:find(what, 1, true), err.message)
      assert.are.equal(0, #core.sent)
    end

    it("options it doesn't know, with a suggestion", function()
      refused("unknown option 'timout', did you mean 'timeout'?", { timout = 1 })
      refused("'base' is an option of aggr.client", { base = "http://x" })
      refused("not available in this version", { cache = true })
      refused("options are named, got the key 1", { 1 })
      refused("options must be a table, got 3", 3)
    end)

    it("values of the wrong type", function()
      for _, case in ipairs {
        { "method", 1 }, { "method", "GET x" }, { "headers", "x" }, { "headers", { 1 } },
        { "headers", { A = {} } }, { "headers", { A = print } }, { "query", "a=1" },
        { "query", { a = { b = 1 } } }, { "query", { [1] = 2 } }, { "vars", 1 }, { "body", {} },
        { "json", "x" }, { "form", 1 }, { "timeout", 0 }, { "timeout", "x" }, { "timeout", true },
        { "deadline", -1 }, { "connect_timeout", {} }, { "idle_timeout", "5" }, { "expect", {} },
        { "expect", "3yy" }, { "expect", 20 }, { "expect", true }, { "max_body", -1 },
        { "max_body", "1x" }, { "redirects", 1.5 }, { "redirects", -1 }, { "http", 2 },
        { "tls", true }, { "tls", { verify = 1 } }, { "tls", { ca = 1 } }, { "tls", { key = "k" } },
        { "tls", { cert = "c", keey = "k" } }, { "proxy", true }, { "unix_socket", false },
        { "resolve", { h = "name" } }, { "resolve", "x" }, { "auth", "x" }, { "auth", {} },
        { "auth", { bearer = 1 } }, { "auth", { bearer = "a", user = "b" } }, { "retry", -1 },
        { "retry", true }, { "retry", { attempt = 1 } }, { "retry", { backoff = 0 } },
        { "as", "json" },
      } do
        refused(case[1], { [case[1]] = case[2] })
      end
    end)

    it("paths that are none", function()
      for _, path in ipairs { 1, true, print, api } do refused("expected a URL", nil, path) end
      refused("needs a url", nil, {})
      refused("needs a url", nil, { url = 1 })
    end)

    it("line breaks and framing in headers", function()
      refused("holds a line break or NUL", { headers = { A = "x\r\nB: y" } })
      refused("holds a line break or NUL", { headers = { A = { "x", "y\0" } } })
      refused("is not a header name", { headers = { ["A B"] = "x" } })
      refused("is not a header name", { headers = { ["A\n"] = "x" } })
      refused("is set by aggr itself", { headers = { ["Content-Length"] = 3 } })
      refused("stands there twice", { headers = { a = 1, A = 2 } })
      refused("either auth or the header", { headers = { authorization = "x" }, auth = { bearer = "y" } })
    end)

    it("two bodies", function()
      refused("only one of body, json and form", { body = "x", json = {} })
      refused("only one of body, json and form", { form = {}, json = {} })
    end)

    it("a method for a verb", function()
      local err = raised(function() api:post("/x", { method = "PUT" }) end)
      assert.truthy(err.message:find("the method is POST", 1, true))
    end)
  end)

  it("refuses relative URLs without a base, and bases that are none", function()
    assert.truthy(raised(fetch, "/x").message:find("not an absolute URL", 1, true))
    assert.truthy(raised(fetch, "").message:find("empty", 1, true))
    assert.truthy(raised(new, { base = "ftp://h" }).message:find("only http and https", 1, true))
    assert.truthy(raised(new, { base = "h" }).message:find("'h' is not a URL", 1, true))
    assert.truthy(raised(new, { base = "http://h?a=1" }).message:find("query", 1, true))
    assert.truthy(raised(new, { bas = "http://h" }).message:find("did you mean 'base'", 1, true))
    assert.truthy(raised(new, "http://h").message:find("options must be a table", 1, true))
    assert.truthy(raised(new, { url = "http://h" }).message:find("base", 1, true))
    assert.truthy(raised(new, { concurrency = 0 }).message:find("at least 1", 1, true))
    assert.truthy(raised(new, { transport = 1 }).message:find("must be a function", 1, true))
  end)

  it("fills variables, percent-encoded, integers in full", function()
    local api = new { base = "http://h" }
    api:fetch("/u/{id}/f/{name}", { vars = { id = 123456789012345, name = "a/b ü" } })
    assert.are.equal("http://h/u/123456789012345/f/a%2Fb%20%C3%BC", last().url)
    fetch("http://h/{x}", { vars = { x = 1.5 } })
    assert.are.equal("http://h/1.5", last().url)
    assert.truthy(raised(fetch, "http://h/{id}", { vars = { di = 1 } }).message
      :find("no value for {id} in vars, did you mean 'di'?", 1, true))
    assert.truthy(raised(fetch, "http://h/x", { vars = { id = 1 } }).message
      :find("vars.id is not in the path", 1, true))
    assert.truthy(raised(fetch, "http://h/{id}", { vars = { id = ".." } }).message
      :find("another path", 1, true))
    assert.truthy(raised(fetch, "http://h/{id}", { vars = { id = {} } }).message
      :find("vars.id must be a string or number", 1, true))
  end)

  it("puts the query on with sorted keys and repeated lists", function()
    fetch("http://h/x?z=1#f", { query = { b = { 1, "ä" }, a = true, c = "x&y", e = {} } })
    assert.are.equal("http://h/x?z=1&a=true&b=1&b=%C3%A4&c=x%26y#f", last().url)
    local api = new { base = "http://h", query = { a = 1, b = 2 } }
    api:get("/", { query = { b = 3 } })
    assert.are.equal("http://h/?a=1&b=3", last().url)
  end)

  it("takes request tables, and options over them", function()
    fetch({ url = "http://h/x", method = "PUT", timeout = 1 }, { timeout = 2 })
    assert.are.equal("PUT", last().method)
    assert.are.equal(2, last().timeout)
  end)

  describe("and statuses:", function()
    it("anything but 2xx raises kind status with the response, its body cut at 64 KiB", function()
      core.answers = { { status = 404, body = ("x"):rep(100000) } }
      local err = raised(fetch, "http://h/x")
      assert.are.equal("status", err.kind)
      assert.are.equal(404, err.status)
      assert.are.equal(65536, #err.response.body)
      assert.truthy(tostring(err):find("status: GET http://h/x 404 Not Found, expected 2xx", 1, true))
    end)

    it("expect takes a status, a list, a class or any", function()
      for _, expect in ipairs { 404, { 200, 404 }, { "2xx", "4xx" }, "any" } do
        core.answers = { { status = 404 } }
        assert.are.equal(404, fetch("http://h/x", { expect = expect }).status)
      end
      core.answers = { { status = 200 } }
      assert.are.equal("200, expected 404 or 5xx",
        raised(fetch, "http://h/x", { expect = { 404, "5xx" } }).message)
    end)

    it("redirects = 0 makes a 3xx expected", function()
      core.answers = { { status = 302 }, { status = 302 } }
      assert.are.equal(302, fetch("http://h/x", { redirects = 0 }).status)
      assert.are.equal("status", raised(fetch, "http://h/x").kind)
    end)
  end)

  it("raises what the core reports, in one line", function()
    core.answers = { { failure = { kind = "timeout", message = "no byte for 2.0 s", phase = "wait" } } }
    local err = raised(function() return (fetch("http://u:pw@h/x")) end)
    assert.are.equal(here(-1) .. ": timeout: GET http://u:***@h/x no byte for 2.0 s (wait)", tostring(err))
  end)

  it("hands the cancel token through", function()
    core.answers = { { raise = core.CANCEL } }
    local _, err = pcall(fetch, "http://h/x", { retry = 3 })
    assert.are.equal(core.CANCEL, err)
  end)

  it("runs under the call's deadline", function()
    fetch("http://h/x", { deadline = 3 })
    assert.are.same({ 3 }, core.deadlines)
    core.answers = { { raise = { passed = true } } }
    local err = raised(fetch, "http://h/x", { deadline = 3 })
    assert.are.equal("deadline", err.kind)
    assert.are.equal("http://h/x", err.url)
  end)

  it("hands out a Response that can't be changed", function()
    core.answers = { { status = 201, body = '{"a":null}', headers = { A = { "1", "2" } } } }
    local res = fetch("http://h/x")
    assert.is_true(res.ok)
    assert.are.same({ a = "1, 2" }, res.headers)
    assert.are.equal(res.headers, res.headers)
    assert.are.same({ "1", "2" }, res:header_values("A"))
    assert.are.equal('{"a":null}', res.body)
    assert.are.equal(res.body, res.body)
    assert.are.equal(1, core.bodies_read)
    assert.are.same({ a = json.null }, res:json())
    assert.are.same({}, res:json { null = "nil" })
    assert.are.equal(1, res.attempts)
    assert.are.equal("Response 201 http://h/x", tostring(res))
    assert.are.equal("usage", raised(function() res.body = "x" end).kind)
    assert.are.equal("res.json(…): use res:json(…)", raised(function() res.json() end).message)
    assert.truthy(raised(json.encode, { r = res }).message:find("return res:json() or res.body", 1, true))
  end)
end)
