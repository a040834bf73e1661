--- A folded line as the very first field of a response, on an easy handle that has been used before:
--- libcurl 7.88 appended it to freed memory of the previous response.
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

describe("a folded first header line", function()
  support.guard(before_each, after_each)

  it("is kind protocol and harms nothing, plain, after interim responses and over TLS", function()
    local fixture = support.fixture()
    local tls = { ca = fixture.certs .. "/ca.pem" }
    local folded = " A: 1\r\nContent-Length: 2\r\n\r\nok"
    local good = { url = fixture:url("/headers?count=20") }
    local requests = {
      outcomes.raw("HTTP/1.1 200 OK\r\n" .. folded), good,
      outcomes.raw("HTTP/1.1 200 OK\r\n\t\r\n\r\n"), good,
      outcomes.raw("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n" .. folded), good,
      outcomes.raw("HTTP/1.1 103 Early Hints\r\n" .. folded), good,
      { url = fixture:tls_url("/headers?count=20"), tls = tls },
      { url = fixture:tls_url("/raw"), tls = tls, method = "POST", body = "HTTP/1.1 200 OK\r\n" .. folded },
      { url = fixture:tls_url("/headers?count=20"), tls = tls },
    }
    local expected = { "protocol", 200, "protocol", 200, "protocol", 200, "protocol", 200, 200, "protocol", 200 }
    for i, got in ipairs(outcomes.of(requests)) do
      assert.equal(expected[i], got.kind or got.status, i .. " " .. tostring(got.text))
      if got.kind then
        local curls = i == 3 and got.message:find("without colon", 1, true) -- it looks for that first
        assert.truthy(curls or got.message:find("folded", 1, true), got.message)
      end
    end
  end)
end)
