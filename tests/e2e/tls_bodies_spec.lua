--- What a connection carries when TLS is on it: bodies of every size both ways, ends, idle times.
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

describe("over TLS #https", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()
  local tls = { ca = fixture.certs .. "/ca.pem" }

  local function request(path, options)
    options = options or {}
    options.url, options.tls, options.http = fixture:tls_url(path), tls, "1.1"
    options.timeout = options.timeout or 20 * support.slow
    return options
  end

  local function raw(bytes, keep)
    return request("/raw?keep=" .. keep, { method = "POST", body = bytes })
  end

  --- A script with `get(path, options)` on one client.
  local function value(code)
    return support.value([[
      local aggr = require "aggr"
      local base, ca, plain = ...
      local api = aggr.client { base = base, tls = { ca = ca }, http = "1.1", timeout = 60 }
    ]] .. code, { args = { fixture:tls_url(""), tls.ca, fixture:url("") }, limit = 60 })
  end

  it("bodies of any size come whole, in every framing and coding", function()
    local got = value [[
      local sizes = {}
      for _, n in ipairs { 0, 1, 16383, 16384, 16385, 65535, 65536, 65537, 131072, 3000001 } do
        sizes[#sizes + 1] = #api:get("/bytes?n=" .. n).body - n
        sizes[#sizes + 1] = #api:get("/chunked?size=70000&n=" .. n).body - n
      end
      sizes[#sizes + 1] = #api:get("/gzip").body - 20000
      return sizes]]
    for i, off in ipairs(got) do assert.equal(0, off, i) end
    assert.equal(1, fixture:stats().accepted)
  end)

  it("large requests go out whole, several at once", function()
    local got = value [[
      local wrong = 0
      aggr.map({ 1, 2, 3, 4 }, function(i)
        local body = (("%09d\n"):rep(3)):format(i, i + 1, i + 2):rep(200000)
        if api:post("/raw?keep=1", { body = "HTTP/1.1 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body }).body
          ~= body then
          wrong = wrong + 1
        end
      end, { need = true })
      return wrong]]
    assert.equal(0, got)
  end)

  it("an answer may come before the request is out, whose connection is not used again", function()
    local got = value [[
      local body = ("x"):rep(12 * 1024 * 1024)
      local early = api:post("/status/413?early", { body = body, expect = "any" }).status
      return { early, api:get("/json").status }]]
    assert.same({ 413, 200 }, got)
    assert.equal(2, fixture:stats().accepted)
  end)

  it("a body cut short is truncated: by length, in chunks, by a reset", function()
    local ended = outcomes.of {
      request("/truncate?framing=length"), request("/truncate?framing=chunked"), request("/truncate?framing=chunk"),
      request("/reset?phase=body"), raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "cut"),
    }
    for i, how in ipairs { "closed", "closed", "closed", "reset", "closed" } do
      assert.equal("truncated", ended[i].kind, ended[i].text)
      assert.equal("body", ended[i].phase)
      assert.equal("connection " .. how .. " inside the body", ended[i].message)
    end
  end)

  it("a body that ends with the connection is whole when TLS announces that (else libcurl does not tell)", function()
    local answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end"
    local ended = outcomes.of { raw(answer, "0"), raw(answer, "cut") }
    assert.equal("to the end", ended[1].body, ended[1].text)
    if os.getenv "AGGR_TRANSPORT" == "curl" then
      assert.equal("to the end", ended[2].body, ended[2].text)
    else
      assert.same({ "truncated", "body", "connection closed inside the body" },
        { ended[2].kind, ended[2].phase, ended[2].message })
    end
  end)

  it("a body that TLS ends is whole, although the socket stays open", function()
    local got = outcomes.one(raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", "notify"))
    assert.equal("to the end", got.body, got.text)
    assert.is_true(got.elapsed < 10 * support.slow)
  end)

  it("a connection that its server closes without a word is replaced", function()
    local got = value [[
      local sum = 0
      for _ = 1, 20 do sum = sum + api:get("/stale").status end
      return sum]]
    assert.equal(20 * 200, got)
  end)

  it("an idle connection outlives another session ticket", function()
    local got = value [[
      local bodies = {}
      for i = 1, 3 do
        bodies[i] = api:get("/ticket").body
        aggr.fetch(plain .. "/await?in_flight_most=0&timeout_ms=5000")
        aggr.sleep(0)
      end
      return bodies]]
    assert.same({ "ok", "ok", "ok" }, got)
    -- What comes over an idle connection of libcurl's cannot be told from an answer nobody asked for.
    local again = os.getenv "AGGR_TRANSPORT" == "curl"
    assert.equal(again and 3 or 1, fixture:stats().accepted)
  end)

  it("one that the server closes is closed by us, too", function()
    local got = value [[
      local body = api:get("/stale").body
      return { body, aggr.fetch(plain .. "/await?open_most=0&timeout_ms=5000"):json().open }]]
    assert.same({ '{"stale":true}', 0 }, got)
  end)

  it("a request that is not taken times out in phase write", function()
    local got = outcomes.one(request("/hang?phase=write",
      { method = "POST", body = ("x"):rep(12 * 1024 * 1024), timeout = 0.4 }))
    assert.equal("timeout", got.kind, got.text)
    assert.equal("write", got.phase, got.text)
  end)

  it("R25: cancelling closes the connection in every phase while the script goes on", function()
    local got = value(([[
      local silent = %q
      local phases = {
        function() aggr.fetch { url = silent, tls = { ca = ca }, http = "1.1" } end,
        function() api:get("/hang?phase=head") end,
        function() api:get("/hang?phase=body") end,
        function() api:post("/hang?phase=write", { body = ("x"):rep(12 * 1024 * 1024) }) end,
      }
      local open = {}
      for i, phase in ipairs(phases) do
        aggr.group(function(g)
          local task = g:spawn(phase)
          aggr.fetch(plain .. "/await?accepted=" .. i .. "&timeout_ms=5000")
          if i == 2 or i == 3 then aggr.fetch(plain .. "/await?in_flight=1&timeout_ms=5000") end
          task:cancel()
        end)
        for _ = 1, 50 do -- one that stalls, perhaps in a moment, has to read on
          aggr.fetch { url = plain .. "/release", method = "POST" }
          open[i] = aggr.fetch(plain .. "/await?open_most=0&timeout_ms=100", { expect = "any" }):json().open
          if open[i] == 0 then break end
        end
      end
      return open]]):format(fixture:tls_url("/", "silent")))
    assert.same({ 0, 0, 0, 0 }, got)
  end)
end)
