--- Peers that hang, reset, cut short, drip or speak nonsense: the kind, the phase, and nothing left open.
local attempt = require "e2e.attempt"
local support = require "e2e.support"

describe("a peer that fails", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()

  -- what, path, listener, expected kind, expected phase
  local CASES = {
    { "accepts and stays silent", "/", "silent", "timeout", "wait" },
    { "refuses the connection", "/", "refused", "connect", "connect" },
    { "resets before its head", "/reset?phase=head", "http", nil, nil },
    { "resets inside the body", "/reset?phase=body", "http", nil, "body" },
    { "closes before the announced length", "/truncate?framing=length", "http", "truncated", "body" },
    { "closes before the last chunk", "/truncate?framing=chunked", "http", "truncated", "body" },
    { "closes inside a chunk", "/truncate?framing=chunk", "http", "truncated", "body" },
    { "answers 500", "/status/500", "http", "status", nil },
    { "answers 404", "/status/404", "http", "status", nil },
    { "redirects without end", "/redirect?hops=20", "http", "protocol", nil },
    { "redirects to a file", "/redirect?to=file:///etc/passwd", "http", "denied", nil },
    { "sends more than 256 KiB of head", "/headers?count=900&bytes=400", "http", "protocol", nil },
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

  it("answers 503 with a body: the Error keeps response and status", function()
    local got = support.value([[
      local aggr = require "aggr"
      local _, err = aggr.try(aggr.fetch, arg[1])
      return { status = err.status, body = #err.response.body, kind = err.kind }
    ]], { args = { fixture:url("/status/503?bytes=100000") } })
    assert.same({ status = 503, body = 65536, kind = "status" }, got)
  end)

  it("answers with an unexpected status: the Error keeps the first 64 KiB of the body", function()
    local got = support.value([[
      local aggr = require "aggr"
      local _, err = aggr.try(aggr.fetch, arg[1], { expect = { 404, "5xx" } })
      local res = err.response
      return { err.kind, err.status, #res.body, res.headers["content-length"], res.status }
    ]], { args = { fixture:url("/bytes?n=100000") } })
    assert.same({ "status", 200, 65536, "100000", 200 }, got)
  end)

  it("or answers: the times of the phases add up to the total", function()
    local got = support.value([[
      local aggr = require "aggr"
      local function off(t)
        return math.abs(t.queue + t.dns + t.connect + t.tls + t.wait + t.body - t.total)
      end
      local base = arg[1]
      local _, late = aggr.try(aggr.fetch, base .. "/hang", { timeout = 0.05 })
      local _, unexpected = aggr.try(aggr.fetch, base .. "/status/500")
      local moved = aggr.fetch(base .. "/redirect?n=3")
      local slow = aggr.fetch(base .. "/delay?ms=20")
      return { off(slow.timing), off(late.timing), off(unexpected.timing), off(moved.timing),
        late.timing.total >= 0.05, moved.timing.wait > 0 }
    ]], { args = { fixture:url("") } })
    for i = 1, 4 do assert.is_true(got[i] < 1e-6, i .. ": " .. got[i]) end
    assert.same({ true, true }, { got[5], got[6] })
  end)

  it("is out of reach, with no network at all: kind connect or dns, and an early end", function()
    if support.command({ "unshare", "-rn", "true" }).code ~= 0 then return pending("needs user namespaces") end
    local code = [[
      local aggr = require "aggr"
      local kinds = {}
      for i, url in ipairs { "http://127.0.0.1:9/", "http://192.0.2.1/", "http://name.example/" } do
        local _, err = aggr.try(aggr.fetch, url)
        kinds[i] = err.kind
      end
      return kinds
    ]]
    local got = support.command({ "unshare", "-rn", support.bin, "run", support.file(code, ".lua") })
    assert.equal('["connect","connect","dns"]\n', got.out, got.err)
  end)

  it("has a name that does not resolve: kind dns", function()
    local got = attempt({ url = "http://no-such-host.invalid/", timeout = 10 })
    assert.equal("dns", got.kind, got.text)
  end)

  it("closes without an answer, or sends an empty one: an Error, not an empty response", function()
    local got = attempt({ url = fixture:url("/raw?data="), timeout = 2 })
    assert.truthy(got.kind, "accepted nothing as " .. tostring(got.status))
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
