--- Bodies: cut short, oversized, corrupt, followed by junk, in each framing and coding (facts 7 and 10).
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

local CODINGS = { "gzip", "deflate", "br", "zstd" }

describe("a body", function()
  support.guard(before_each, after_each)

  local function url(path)
    return support.fixture():url(path)
  end

  --- Runs GETs of paths; each must end with `kind` (in phase body) or, for nil, well.
  local function expect(kind, paths, options)
    local requests = {}
    for i, path in ipairs(paths) do
      requests[i] = { url = url(path) }
      for name, value in pairs(options or {}) do requests[i][name] = value end
    end
    local ended = outcomes.of(requests)
    for i, path in ipairs(paths) do
      assert.equal(kind, ended[i].kind, path .. ": " .. tostring(ended[i].message))
      if kind then
        assert.equal("body", ended[i].phase, path)
        assert.is_nil(ended[i].message:find("\n"))
      end
    end
    return ended
  end

  it("arrives whole in every framing and coding", function()
    local paths = { "/bytes?n=20000", "/chunked?n=20000&size=7", "/chunked?n=20000&trailer" }
    for _, coding in ipairs(CODINGS) do
      for _, query in ipairs { "", "&framing=chunked", "&times=2", "&times=2&framing=chunked" } do
        paths[#paths + 1] = ("/%s?bytes=20000%s"):format(coding, query)
      end
    end
    for i, got in ipairs(expect(nil, paths)) do assert.equal(20000, #got.body, paths[i]) end
  end)

  it("cut short is kind truncated in every framing", function()
    for _, got in ipairs(expect("truncated", { "/truncate", "/truncate?framing=chunked",
      "/truncate?framing=chunk" })) do
      assert.truthy(got.message:find("closed inside the body", 1, true), got.message)
    end
  end)

  it("cut short is kind truncated in every coding, under whole framing", function()
    local paths = {}
    for _, coding in ipairs(CODINGS) do
      for _, query in ipairs { "", "&framing=chunked", "&times=2" } do
        paths[#paths + 1] = ("/%s?mode=cut%s"):format(coding, query)
      end
    end
    for i, got in ipairs(expect("truncated", paths)) do
      assert.truthy(got.message:find(paths[i]:match("^/(%a+)"), 1, true), got.message)
    end
  end)

  it("until the end of the connection is taken, unless its coding says otherwise", function()
    local ended = outcomes.of {
      outcomes.raw("HTTP/1.1 200 OK\r\n\r\nhello"),
      outcomes.raw("HTTP/1.0 200 OK\r\n\r\nhello"),
      outcomes.raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"),
    }
    assert.equal("hello", ended[1].body)
    assert.equal("hello", ended[2].body)
    assert.equal("truncated", ended[3].kind)
  end)

  it("reset in the middle is kind truncated", function()
    expect("truncated", { "/reset?phase=body" })
  end)

  it("that is corrupt or goes on after its coding's end is kind protocol", function()
    local paths = {}
    for _, coding in ipairs(CODINGS) do paths[#paths + 1] = "/" .. coding .. "?mode=junk" end
    for _, got in ipairs(expect("protocol", paths)) do
      assert.truthy(got.message:find("after the end", 1, true) or got.message:find("corrupt", 1, true), got.message)
    end
    expect("protocol", { "/gzip?mode=corrupt", "/deflate?mode=corrupt" })
  end)

  it("that is empty needs no coding", function()
    for _, got in ipairs(expect(nil, { "/gzip?mode=empty", "/br?mode=empty&framing=chunked" })) do
      assert.equal("", got.body)
    end
  end)

  it("malformed in its chunks is kind protocol", function()
    local head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    local bodies = { "5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "zz\r\n",
      "5\r\nhelloo\r\n0\r\n\r\n", "ffffffffffffffff1\r\nx", "0\r\nA : b\r\n\r\n", "0\r\nContent-Length: 1\r\n\r\n",
      "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "0;" .. ("x"):rep(20000) .. "\r\n\r\n",
      "0\r\n" .. ("a: b\r\n"):rep(200) .. "\r\n" }
    local requests = {}
    for i, body in ipairs(bodies) do requests[i] = outcomes.raw(head .. body) end
    for i, got in ipairs(outcomes.of(requests)) do
      assert.equal("protocol", got.kind, ("%q: %s"):format(bodies[i]:sub(1, 40), tostring(got.message)))
    end
  end)

  it("at max_body passes, one byte over is kind too_large", function()
    local paths = { "/bytes?n=1000", "/chunked?n=1000&size=64" }
    for _, coding in ipairs(CODINGS) do paths[#paths + 1] = "/" .. coding .. "?bytes=1000" end
    expect(nil, paths, { max_body = 1000 })
    local requests = {}
    for i, path in ipairs(paths) do requests[i] = { url = url(path), max_body = 999 } end
    for i, got in ipairs(outcomes.of(requests)) do
      assert.equal("too_large", got.kind, paths[i])
      assert.truthy(got.message:find("999", 1, true), got.message)
      assert.truthy(got.hint, "a hint")
    end
  end)

  it("over the default 16 MiB is kind too_large before it comes", function()
    local got = outcomes.one { url = url("/bytes?n=16777217") }
    assert.equal("too_large", got.kind)
  end)

  it("that is a bomb is cut while small, in each coding and nested", function()
    local requests = {}
    for _, coding in ipairs(CODINGS) do
      requests[#requests + 1] = { url = url("/" .. coding .. "?mode=bomb&bytes=67108864"), max_body = "1MiB" }
    end
    requests[#requests + 1] = { url = url("/gzip?mode=bomb&bytes=67108864&times=2"), max_body = "1MiB" }
    local got = support.value([[
      local function peak()
        local status = io.open("/proc/self/status")
        local text = status:read("*a")
        status:close()
        return tonumber(text:match("VmHWM:%s+(%d+)"))
      end
      local aggr, before = require "aggr", peak()
      local kinds = {}
      for i, request in ipairs(]] .. outcomes.literal(requests) .. [[) do
        kinds[i] = select(2, aggr.try(aggr.fetch, request)).kind
      end
      return { kinds = kinds, grown_kib = peak() - before }]])
    for _, kind in ipairs(got.kinds) do assert.equal("too_large", kind) end
    assert.is_true(got.grown_kib < 48 * 1024, "grown by KiB: " .. got.grown_kib)
  end)

  it("cut or over the cap closes its connection; what follows is sound", function()
    local fixture = support.fixture()
    local ended = outcomes.of {
      { url = url("/json") },
      { url = url("/bytes?n=5000000"), max_body = 1000 },
      { url = url("/json") },
      { url = url("/chunked?n=5000000&size=1000"), max_body = 1000 },
      { url = url("/json") },
    }
    assert.equal("too_large", ended[2].kind)
    assert.equal("too_large", ended[4].kind)
    for _, i in ipairs { 1, 3, 5 } do assert.equal(200, ended[i].status) end
    assert.equal(3, fixture:await({ open_most = 0 }).accepted)
  end)

  it("with bytes after its end cannot speak for the next response", function()
    local evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    local firsts = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" }
    local requests = {}
    for _, first in ipairs(firsts) do
      requests[#requests + 1] = outcomes.raw(first .. evil, "?keep=1")
      requests[#requests + 1] = { url = url("/json?id=7") }
    end
    local ended = outcomes.of(requests)
    for i = 2, #ended, 2 do
      assert.equal(200, ended[i].status, firsts[i / 2])
      assert.truthy(ended[i].body:find('"id":7', 1, true), ended[i].body)
    end
  end)

  it("of a HEAD, 204 or 304 is none, whatever the head says", function()
    local ended = outcomes.of {
      { url = url("/gzip?bytes=100"), method = "HEAD" },
      { url = url("/status/204") },
      { url = url("/status/304"), expect = 304 },
      outcomes.raw("HTTP/1.1 204 No\r\nContent-Encoding: unheard-of\r\n\r\n"),
    }
    for i, status in ipairs { 200, 204, 304, 204 } do
      assert.equal(status, ended[i].status, tostring(ended[i].text))
      assert.equal("", ended[i].body)
    end
  end)
end)
