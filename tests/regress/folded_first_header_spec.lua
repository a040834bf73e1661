--- A folded line as the very first field of a response, on an easy handle that has been used before:
--- libcurl 7.88 appended it to freed memory of the previous response.
local outcomes = require "e2e.outcomes"
local support = require "e2e.support"

describe("a folded first header line", function()
  support.guard(before_each, after_each)

  local FOLDED = "protocol: malformed header field: a folded line"

  local function check(transport)
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
    local got, expected = {}, { FOLDED, 200, FOLDED, 200, FOLDED, 200, FOLDED, 200, 200, FOLDED, 200 }
    if transport == "curl" then expected[3] = "protocol: Header without colon" end -- it looks for that first
    for i, ended in ipairs(outcomes.of(requests, { flags = { "-q", "--transport", transport } })) do
      got[i] = ended.kind and ended.kind .. ": " .. ended.message or ended.status
    end
    assert.same(expected, got)
  end

  it("is kind protocol and harms nothing, plain, after interim responses and over TLS", function()
    check("auto")
    check("curl")
  end)
end)
