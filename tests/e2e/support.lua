--- What every end-to-end spec starts from: the binary under test, the fixture, temporary files, leak checks.
---
---   local support = require "e2e.support"
---   describe("…", function()
---     support.guard(before_each, after_each)            -- fresh counters before, no connection left after each test
---     it("…", function()
---       local fixture = support.fixture()
---       local got = support.script('return aggr.fetch("' .. fixture:url("/json") .. '"):json()')
---       assert.equal(0, got.code, got.err)
---
--- Environment: AGGR_BIN (build/aggr), AGGR_FIXTURE (beside it), AGGR_WRAP (words before the binary, such as
--- "valgrind -q"), AGGR_SLOW (factor on time limits).
local cjson = require "cjson"
local posix = require "e2e.posix"
local process = require "e2e.process"

local support = { PIPE = process.PIPE, BROKEN = process.BROKEN }
support.bin = os.getenv("AGGR_BIN") or "build/aggr"
support.slow = tonumber(os.getenv("AGGR_SLOW") or 1)

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  return os.getenv("PWD") .. "/" .. path
end
support.bin = absolute(support.bin)

local SANITIZER = { "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "uv_loop_close",
  "ERROR SUMMARY: [1-9]" }

local function no_sanitizer_report(result)
  for _, pattern in ipairs(SANITIZER) do
    if result.err:find(pattern) then error("the binary failed a check of its build:\n" .. result.err, 3) end
  end
  return result
end

-- Temporary files ------------------------------------------------------------------------------------------------

local folder

--- A folder for this busted run, removed at its end.
function support.folder()
  if not folder then
    folder = posix.mkdtemp()
    local sentinel = newproxy(true)
    getmetatable(sentinel).__gc = function() os.execute("rm -rf '" .. folder .. "'") end
    support.folder_guard = sentinel
  end
  return folder
end

process.home = support.folder

local count = 0

--- Path of a new file with this content; `suffix` ends its name.
function support.file(content, suffix)
  count = count + 1
  local path = ("%s/%d%s"):format(support.folder(), count, suffix or "")
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  return path
end

--- A file's content, nil when there is none.
function support.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local content = file:read("*a")
  file:close()
  return content
end

-- The binary -----------------------------------------------------------------------------------------------------

local function command(args)
  local argv = {}
  for word in (os.getenv("AGGR_WRAP") or ""):gmatch("%S+") do argv[#argv + 1] = word end
  argv[#argv + 1] = support.bin
  for _, arg in ipairs(args) do argv[#argv + 1] = tostring(arg) end
  return argv
end

--- Runs are audited: one that leaves something exits with 70 and says what. A test that means to turns it off by
--- `env = { AGGR_AUDIT = false }`.
local function audited(options)
  local copy = { env = { AGGR_AUDIT = "leaks" } }
  for name, value in pairs(options or {}) do
    if name ~= "env" then copy[name] = value end
  end
  for name, value in pairs(options and options.env or {}) do copy.env[name] = value end
  return copy
end

--- Starts the binary and returns at once: see process.lua. `:finish(limit)` waits (20 s) and gives
--- { code, signal, timed_out, out, err, elapsed }; a sanitizer's report is an error.
function support.start(args, options)
  local running = process.start(command(args), audited(options))
  function running:finish(limit)
    return no_sanitizer_report(self:wait((limit or 20) * support.slow))
  end
  return running
end

--- Runs the binary to its end: `support.aggr({ "run", path }, { stdin = "…", env = {…}, limit = 5 })`.
function support.aggr(args, options)
  return support.start(args, options):finish(options and options.limit)
end

--- Runs Lua code as a script file: `support.script(code, { args = {…}, flags = {…} })`.
function support.script(code, options)
  options = options or {}
  local args = { "run" }
  for _, flag in ipairs(options.flags or {}) do args[#args + 1] = flag end
  args[#args + 1] = support.file(code, ".lua")
  for _, arg in ipairs(options.args or {}) do args[#args + 1] = arg end
  return support.aggr(args, options)
end

--- What a script returned, decoded; fails the test when it did not exit with 0.
function support.value(code, options)
  local result = support.script(code, options)
  if result.code ~= 0 then
    error(("exit %s, signal %s\n%s"):format(tostring(result.code), tostring(result.signal), result.err), 2)
  end
  return cjson.decode(result.out)
end

--- Any other program, to its end.
function support.command(argv, options)
  return process.start(argv, options):wait((options and options.limit or 20) * support.slow)
end

-- The fixture ----------------------------------------------------------------------------------------------------

local fixture = {}
fixture.__index = fixture

local function ask(self, method, target)
  local status, body = posix.http(self.port, method, target)
  if status ~= 200 then error(("%s: %s %s"):format(target, tostring(status), tostring(body)), 3) end
  return cjson.decode(body)
end

--- An http URL on the fixture; `listener` is "http" (default), "http2" … "http4", or a faulty one.
function fixture:url(path, listener)
  return ("http://127.0.0.1:%d%s"):format(self.ports[listener or "http"], path or "")
end

--- An https URL; `listener` is "good" (default), "expired", "wrong_host", "self_signed" or "mutual".
function fixture:tls_url(path, listener, host)
  return ("https://%s:%d%s"):format(host or "localhost", self.ports[listener or "good"], path or "")
end

--- The counters: see tests/fixture/stats.h.
function fixture:stats()
  return ask(self, "GET", "/stats")
end

function fixture:reset()
  ask(self, "POST", "/stats/reset")
end

--- Lets all requests at gate `name` through, now and later; with `most` only that many of those waiting now.
function fixture:open(name, most)
  ask(self, "POST", ("/open?name=%s%s"):format(name, most and "&count=" .. most or ""))
end

--- Opens all gates, lets stalled connections go on.
function fixture:release()
  ask(self, "POST", "/release")
end

--- Waits until the counters are so: { in_flight=, requests=, path=, aborted=, accepted=, gate=, waiting= } at least,
--- in_flight_most, open_most at most. Returns them; an error after 5 s (or timeout_ms).
function fixture:await(conditions)
  local query = { timeout_ms = 5000 * support.slow }
  for name, value in pairs(conditions) do query[name] = value end
  local parts = {}
  for name, value in pairs(query) do parts[#parts + 1] = name .. "=" .. tostring(value) end
  return ask(self, "GET", "/await?" .. table.concat(parts, "&"))
end

local shared

local function start_fixture()
  local certs, socket = support.folder() .. "/certs", support.folder() .. "/fixture.sock"
  local made = support.command { "tests/fixture/certificates", certs }
  assert(made.code == 0, made.err)
  local function pem(name)
    return ("%s/%s.pem"):format(certs, name), ("%s/%s.key"):format(certs, name)
  end
  local argv = { absolute(os.getenv("AGGR_FIXTURE") or support.bin:gsub("[^/]+$", "aggr-fixture")),
    "--stdin", "--plain", "4", "--faulty", "--unix", socket }
  for _, name in ipairs { "good", "expired", "wrong-host", "self-signed" } do
    local cert, key = pem(name)
    for _, word in ipairs { "--tls", (name:gsub("%-", "_")), cert, key } do argv[#argv + 1] = word end
  end
  local cert, key = pem("good")
  for _, word in ipairs { "--tls-mutual", "mutual", cert, key, certs .. "/ca.pem" } do argv[#argv + 1] = word end
  local running = process.start(argv, { stdin = process.PIPE, stdout = process.PIPE })
  local line = running:read(65536, 10)
  if not line or line == "" then error("the fixture does not start: " .. running:stderr_so_far()) end
  local ports = cjson.decode(line)
  return setmetatable({ process = running, ports = ports, port = ports.http, certs = certs, socket = socket }, fixture)
end

--- The fixture of this busted run, started when first asked for; it ends with us.
function support.fixture()
  shared = shared or start_fixture()
  return shared
end

--- Fresh counters before each test; after each no connection may be left open and the fixture must still live.
function support.guard(before_each, after_each)
  before_each(function()
    local peer = support.fixture()
    peer:release()
    peer:reset()
  end)
  after_each(function()
    local peer = support.fixture()
    peer:release()
    peer:await { open_most = 0 }
  end)
end

return support
