--- Where HTTP/2 is offered in vain, the next request is the native transport's.
local posix = require "e2e.posix"
local process = require "e2e.process"
local support = require "e2e.support"

describe("an https:// origin that speaks HTTP/1.1 alone", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()
  local certs = fixture.certs
  local flags = { "-q", "--transport", "auto" }

  it("is remembered as such, for each set of TLS options", function()
    local got = support.value([[
      local aggr = require "aggr"
      local url, ca = ...
      local carriers = {}
      local function ask(tls)
        carriers[#carriers + 1] = aggr.fetch({ url = url, tls = tls }).transport
      end
      for _ = 1, 3 do ask { ca = ca } end
      for _ = 1, 2 do ask { verify = false } end
      return carriers]], { args = { fixture:tls_url("/json"), certs .. "/ca.pem" }, flags = flags })
    assert.same({ "curl", "native", "native", "curl", "native" }, got)
    assert.equal(4, fixture:stats().accepted)
  end)

  it("keeps no connection open that is of no more use", function()
    local got = support.value([[
      local aggr = require "aggr"
      local url, ca, plain = ...
      for _ = 1, 3 do aggr.fetch { url = url, tls = { ca = ca } } end
      return aggr.fetch(plain):json().open]],
      { args = { fixture:tls_url("/json"), certs .. "/ca.pem", fixture:url("/await?open_most=1&timeout_ms=5000") },
        flags = flags })
    assert.equal(1, got)
  end)

  it("is always asked by libcurl when that is what it is to be", function()
    local got = support.value([[
      local aggr = require "aggr"
      local url = ...
      local carriers = {}
      for i = 1, 3 do carriers[i] = aggr.fetch({ url = url, tls = { verify = false } }).transport end
      return carriers]], { args = { fixture:tls_url("/json") }, flags = { "-q", "--transport", "curl" } })
    assert.same({ "curl", "curl", "curl" }, got)
    assert.equal(1, fixture:stats().accepted)
  end)

  -- What serves HTTPS on `port` until it is stopped; `versions` as openssl names them.
  local function serve(port, ...)
    local server = process.start({ ... })
    assert.is_true(posix.await_listener(port, 10 * support.slow), "no server")
    return server
  end

  local function stop(server)
    server:signal("KILL")
    server:wait(5)
  end

  it("is asked for HTTP/2 again when it does not speak HTTP/1.1 any more", function()
    local port, root = posix.free_port(), posix.mkdtemp(support.folder())
    assert(io.open(root .. "/item", "w")):close()
    local first = serve(port, "sh", "-c",
      ("cd %s && exec openssl s_server -quiet -accept %d -cert %s/good.pem -key %s/good.key -alpn http/1.1 -WWW")
      :format(root, port, certs, certs))
    local running = support.start({ "run", "-q", "--transport", "auto", support.file([[
      local aggr = require "aggr"
      local api = aggr.client { base = arg[1], tls = { verify = false } }
      local function ask()
        local res, err = aggr.try(api.get, api, "/item")
        aggr.emit(res and { res.transport, res.http } or { err.kind, err.transport })
      end
      ask()
      local swapped = aggr.lines("-")
      swapped()
      ask()
      ask()]], ".lua"), "https://localhost:" .. port }, { stdin = process.PIPE, stdout = process.PIPE })
    assert.equal('["curl","1.0"]\n', running:read(65536, 10 * support.slow), running:stderr_so_far())
    stop(first)
    local second = serve(port, "nghttpd", "-d", root, tostring(port), certs .. "/good.key", certs .. "/good.pem")
    running:write("\n")
    local rest = ""
    while select(2, rest:gsub("\n", "")) < 2 do
      rest = rest .. assert(running:read(65536, 10 * support.slow), "no answer")
    end
    stop(second)
    assert.equal(0, running:finish().code)
    assert.truthy(rest:find('^%["%a+","native"%]\n%["curl","2"%]\n$'), rest)
  end)
end)
