--- Response heads that are malformed, ambiguous or too big are kind protocol (facts 10).
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

local OK = "HTTP/1.1 200 OK\r\n"

local HOSTILE = {
  "HTTP/1.1\t200 OK\r\n\r\n", "HTTP/\r1.1 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
  "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "HTTP/3.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
  "HTTP/2 200 \r\ncontent-length: 2\r\n\r\nok",
  "hello there\r\n", "\r\n\r\n", " HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\nA: b\n\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  OK .. "A\r\n\r\n", OK .. "A b: c\r\n\r\n", OK .. "A : b\r\n\r\n", OK .. ": b\r\n\r\n", OK .. "A: b\r\n c\r\n\r\n",
  OK .. " A: b\r\n\r\n", OK .. "A: b\0c\r\n\r\n", OK .. "A: b\rc\r\n\r\n", OK .. "A: b\1\r\n\r\n",
  OK .. "A(: b\r\n\r\n", OK .. "A: b\n\r\n",
  OK .. "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", OK .. "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
  OK .. "Content-Length: 2, 2\r\n\r\nok", OK .. "Content-Length: +2\r\n\r\nok", OK .. "Content-Length: -2\r\n\r\nok",
  OK .. "Content-Length: 0x2\r\n\r\nok", OK .. "Content-Length: two\r\n\r\nok", OK .. "Content-Length:\r\n\r\nok",
  OK .. "Content-Length: 99999999999999999999\r\n\r\nok",
  OK .. "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  OK .. "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  OK .. "Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", OK .. "Transfer-Encoding: identity\r\n\r\nok",
  OK .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  OK .. "Content-Encoding: unheard-of\r\n\r\nok", OK .. "Content-Encoding: gzip, gzip, gzip\r\n\r\nok",
}

describe("a response head", function()
  support.guard(before_each, after_each)

  it("that is malformed or ambiguous is kind protocol, in one line", function()
    local requests = {}
    for i, head in ipairs(HOSTILE) do requests[i] = outcomes.raw(head) end
    for i, got in ipairs(outcomes.of(requests)) do
      local shown = ("%q"):format(HOSTILE[i])
      assert.equal("protocol", got.kind, shown .. " " .. tostring(got.text))
      assert.equal("wait", got.phase, shown)
      assert.is_nil(got.text:find("[%z\1-\8\11-\31\127]"), shown)
    end
  end)

  it("is refused at once, also when the peer then keeps silent", function()
    local ended = outcomes.of {
      outcomes.raw(OK .. "Transfer-Encoding: xchunked\r\n\r\n", "?keep=hang"),
      outcomes.raw(OK .. "A : b\r\n\r\n", "?keep=hang"),
    }
    for _, got in ipairs(ended) do
      assert.equal("protocol", got.kind)
      assert.is_true(got.elapsed < 3)
    end
  end)

  it("names an unknown content coding", function()
    local got = outcomes.one(outcomes.raw(OK .. "Content-Encoding: lzma\r\n\r\nx"))
    assert.truthy(got.message:find('unknown content coding "lzma"', 1, true), got.message)
  end)

  it("cut short is kind truncated", function()
    for _, got in ipairs(outcomes.of { outcomes.raw("HTTP/1.1 200 OK\r\nA: b\r\n"),
      outcomes.raw("HTTP/1.1 200 OK\r\nA: "), outcomes.raw("HTTP/1.1 103 Early Hints\r\n\r\n") }) do
      assert.equal("truncated", got.kind, got.text)
      assert.equal("wait", got.phase)
    end
  end)

  it("may come after interim ones, though not after endless ones", function()
    local hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    local ended = outcomes.of {
      outcomes.raw(hint:rep(3) .. OK .. "Content-Length: 2\r\n\r\nok"),
      outcomes.raw(hint:rep(5000), "?keep=hang"),
    }
    assert.equal("ok", ended[1].body, ended[1].text)
    assert.is_nil(ended[1].headers.link)
    assert.equal("protocol", ended[2].kind, ended[2].text)
  end)

  it("holds up to 1,000 fields and 256 KiB", function()
    local function url(path)
      return { url = support.fixture():url(path) }
    end
    local ended = outcomes.of {
      url("/headers?count=900&bytes=100"), url("/headers?count=1001&bytes=1"), url("/headers?count=3&bytes=80000"),
      url("/headers?count=1&bytes=270000"), url("/headers?count=100&bytes=3000"),
      outcomes.raw(OK .. ("A: b\r\n"):rep(100000), "?keep=hang"), outcomes.raw(("x"):rep(300000), "?keep=hang"),
    }
    for i = 1, 7 do
      local good = i == 1 or i == 3
      assert.equal(not good and "protocol" or nil, ended[i].kind, i .. tostring(ended[i].text))
      if good then assert.equal(200, ended[i].status) end
    end
    assert.equal(100, #ended[1].headers["x-900"])
  end)

  it("joins repeated fields and keeps them apart on request", function()
    local got = support.value(([[
      local aggr = require "aggr"
      local res = aggr.fetch { url = %q, method = "POST", body = %q }
      return { joined = res.headers["set-cookie"], list = res:header_values("Set-Cookie"), empty = res.headers.e }
    ]]):format(support.fixture():url("/raw"), "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nE:\r\nSET-COOKIE:  b=2 \r\n\r\n"))
    assert.equal("a=1, b=2", got.joined)
    assert.same({ "a=1", "b=2" }, got.list)
    assert.equal("", got.empty)
  end)
end)
