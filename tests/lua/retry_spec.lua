local core = require "lua.support.core"
local raised = core.raised

describe("retry", function()
  local api, retry

  before_each(function()
    core.reset()
    retry = require "aggr.retry"
    api = require("aggr.client").new { base = "http://h" }
  end)

  local function answers(...) core.answers = { ... } end
  local refused = { failure = { kind = "connect", message = "refused", phase = "connect" } }

  it("is off unless asked for", function()
    answers(refused, {})
    assert.are.equal("connect", raised(api.get, api, "/").kind)
    assert.are.equal(1, #core.sent)
  end)

  it("tries connection errors, time-outs and busy servers again, and counts", function()
    for _, kind in ipairs { "connect", "dns", "timeout", "truncated" } do
      answers({ failure = { kind = kind, message = "x" } }, {})
      assert.are.equal(2, api:get("/", { retry = 1 }).attempts)
    end
    for _, status in ipairs { 429, 502, 503, 504 } do
      answers({ status = status }, {})
      assert.are.equal(2, api:get("/", { retry = 1 }).attempts)
    end
  end)

  it("leaves alone what would fail the same way", function()
    for _, kind in ipairs { "tls", "protocol", "too_large", "denied", "usage" } do
      answers { failure = { kind = kind, message = "x" } }
      assert.are.equal(1, raised(api.get, api, "/", { retry = 3 }).attempt)
    end
    for _, status in ipairs { 400, 404, 500, 501 } do
      answers { status = status }
      assert.are.equal(1, raised(api.get, api, "/", { retry = 3 }).attempt)
    end
  end)

  it("never tries a method again that is not idempotent", function()
    for _, method in ipairs { "post", "patch" } do
      answers(refused)
      assert.are.equal(1, raised(api[method], api, "/", { retry = 3 }).attempt)
    end
    for _, method in ipairs { "put", "delete", "head" } do
      answers(refused, {})
      assert.are.equal(2, api[method](api, "/", { retry = 3 }).attempts)
    end
  end)

  it("never tries a status again that is expected", function()
    answers({ status = 503 }, {})
    assert.are.equal(503, api:get("/", { retry = 3, expect = { 200, 503 } }).status)
    assert.are.equal(1, #core.sent)
  end)

  it("gives the last error and its number when attempts run out", function()
    answers(refused, refused, { status = 503 })
    local err = raised(api.get, api, "/", { retry = 2 })
    assert.are.equal(3, err.attempt)
    assert.are.equal(503, err.status)
  end)

  it("pauses with full jitter between 0 and twice the last bound", function()
    answers(refused, refused, refused, refused, {})
    core.random = 1
    api:get("/", { retry = { attempts = 4, backoff = 1, max_backoff = 3 } })
    assert.are.same({ 1, 2, 3, 3 }, core.slept)
    core.slept, core.random = {}, 0
    answers(refused, {})
    api:get("/", { retry = 1 })
    assert.are.same({ 0 }, core.slept)
  end)

  it("waits as long as Retry-After says, in seconds or until a date", function()
    answers({ status = 503, headers = { ["Retry-After"] = "7" } }, {})
    api:get("/", { retry = 1 })
    answers({ status = 429, headers = { ["Retry-After"] = "Sun, 06 Nov 1994 08:49:42 GMT" } }, {})
    api:get("/", { retry = 1 })
    assert.are.same({ 7, 5 }, core.slept)
    assert.are.equal(784111777, retry.http_date("Sun, 06 Nov 1994 08:49:37 GMT"))
    assert.are.equal(951825600, retry.http_date("Tue, 29 Feb 2000 12:00:00 GMT"))
    assert.is_nil(retry.http_date("tomorrow"))
  end)

  it("gives up when the server asks for more patience than max_backoff", function()
    answers { status = 503, headers = { ["Retry-After"] = "3600" } }
    assert.are.equal(1, raised(api.get, api, "/", { retry = 3 }).attempt)
    assert.are.same({}, core.slept)
  end)

  it("never pauses past the deadline", function()
    core.remaining, core.random = 0.05, 1
    answers(refused)
    assert.are.equal("connect", raised(api.get, api, "/", { retry = 3 }).kind)
    assert.are.same({}, core.slept)
  end)

  it("takes a client's default, which a call can switch off", function()
    api = require("aggr.client").new { base = "http://h", retry = { attempts = 1 } }
    answers(refused, {})
    assert.are.equal(2, api:get("/").attempts)
    answers(refused)
    assert.are.equal("connect", raised(api.get, api, "/", { retry = 0 }).kind)
    answers(refused)
    assert.are.equal("connect", raised(api.get, api, "/", { retry = false }).kind)
  end)
end)

describe("a transport of one's own", function()
  local client

  before_each(function()
    core.reset()
    client = require("aggr.client").new
  end)

  local function api(answer)
    return client { base = "http://h", headers = { A = "b" }, transport = answer }
  end

  it("gets the request and gives a response that goes the usual way", function()
    local seen
    local fake = api(function(req)
      seen = req
      return { status = 200, headers = { ["X-Id"] = 7, Two = { "a", "b" } }, body = '{"ok":true}' }
    end)
    assert.are.same({ ok = true }, fake:json("/x", { method = "PUT", body = "in", query = { a = 1 } }))
    assert.are.same({ method = "PUT", url = "http://h/x?a=1", headers = { a = "b" }, body = "in" }, seen)
    local res = fake:get("/x")
    assert.are.same({ ["x-id"] = "7", two = "a, b" }, res.headers)
    assert.are.equal(0, #core.profiles)
    assert.are.equal(0, #core.sent)
  end)

  it("is retried, checked and decoded like the network", function()
    local n = 0
    local fake = api(function()
      n = n + 1
      return { status = n < 3 and 503 or 200, body = "nope" }
    end)
    assert.are.equal(3, fake:get("/x", { retry = 2 }).attempts)
    assert.are.equal("decode", raised(fake.json, fake, "/x").kind)
    n = 0
    assert.are.equal("status", raised(fake.get, fake, "/x").kind)
    assert.are.equal("too_large", raised(fake.get, fake, "/x", { max_body = 3, expect = "any" }).kind)
  end)

  it("times out", function()
    local fake = api(function() error({ passed = true }, 0) end)
    local err = raised(fake.get, fake, "/x", { timeout = 2 })
    assert.are.same({ "timeout", "http://h/x" }, { err.kind, err.url })
    assert.are.same({ 2 }, core.deadlines)
  end)

  it("is told what it must return", function()
    for _, answer in ipairs { 1, "x", {}, { status = "200" }, { status = 99 }, { status = 2000 },
      { status = 200, body = {} }, { status = 200, headers = 1 }, { status = 200, headers = { a = {} } },
      { status = 200, boddy = "" } } do
      local fake = api(function() return answer end)
      local err = raised(function() return (fake:get("/x")) end)
      assert.are.equal("usage", err.kind)
      assert.truthy(err.message:find("^transport"), err.message)
    end
    assert.are.equal("usage", raised(function() api(function() end):get("/") end).kind)
  end)
end)

describe("a source", function()
  local request, api

  before_each(function()
    core.reset()
    request = require "aggr.request"
    api = require("aggr.client").new { base = "http://h" }
  end)

  it("is a path, a request table or a function", function()
    core.answers = { { body = "[1]" }, { body = "text" }, { status = 404 }, { status = 204 } }
    assert.are.same({ 1 }, (request.from_source("/x", api, "k")()))
    assert.are.equal("text", (request.from_source({ url = "/x", as = "body" }, api, "k")()))
    assert.are.equal(404, request.from_source({ url = "/x", as = "response", expect = 404 }, api)().status)
    assert.is_nil((request.from_source("http://other/x")()))
    assert.are.equal(print, request.from_source(print))
  end)

  it("gives the number of attempts and the transport as the third and fourth values", function()
    core.answers = { { status = 503 }, { body = "1" } }
    local value, err, attempts, transport = request.from_source({ url = "/x", retry = 1 }, api)()
    assert.are.same({ 1, 2, "native" }, { value, attempts, transport })
    assert.is_nil(err)
  end)

  it("is checked before it runs", function()
    for _, case in ipairs { { 1, "must be a URL, a request table or a function, got 1" },
      { "/x", "not an absolute URL" }, { { url = "/x", timout = 1 }, "did you mean 'timeout'" },
      { { url = "/x", as = "jsn" }, "must be 'json'" }, { "ftp://h/", "only http and https" },
      { {}, "needs a url" } } do
      local err = raised(request.from_source, case[1], case[1] ~= "/x" and api or nil, "user")
      assert.are.equal("usage", err.kind)
      assert.truthy(err.message:find("source 'user'", 1, true), err.message)
      assert.truthy(err.message:find(case[2], 1, true), err.message)
    end
    assert.truthy(raised(request.from_source, "/x", {}, "user").message:find("client must come from", 1, true))
  end)
end)
