--- --audit: what a run has made and what it has left, each with the line that made it. aggr-e2e has the door for
--- leaving behind what no script can (tests/program/leaks.c).
local cjson = require "cjson"
local support = require "e2e.support"

local folder = support.bin:match("^(.*)/[^/]*$")

--- The rows of a table on stderr by name: { created =, left =, lines = { … } }.
local function rows_of(err)
  local rows, row = {}, nil
  for line in (err:match("\n?(audit +created +left\n.*)$") or ""):gmatch("[^\n]+") do
    local name, created, left = line:match("^(%l+) +([%d-]+) +(%d+)$")
    if name then
      row = { created = tonumber(created), left = tonumber(left), lines = {} }
      rows[name] = row
    elseif row then
      table.insert(row.lines, (line:gsub("^  ", ""):gsub("/[^ ]-%.lua", "s")))
    end
  end
  return rows
end

--- A script under --audit (or `flags`).
local function audit(code, options)
  options = options or {}
  local result = support.script('local aggr = require "aggr"\n' .. code, {
    flags = options.flags or { "--audit" }, args = options.args,
    env = options.env or { AGGR_TEST_LEAKS = "1", LUA_CPATH = folder .. "/?.so" } })
  return result, rows_of(result.err)
end

-- getaddrinfo with names that hang or are slow.
local LOOKUPS = { LD_PRELOAD = folder .. "/aggr-lookups.so",
  ASAN_OPTIONS = (os.getenv("ASAN_OPTIONS") or "") .. ":verify_asan_link_order=0" }

local function leftovers(rows)
  local found = {}
  for name, row in pairs(rows) do
    if row.left > 0 then found[name] = row.lines end
  end
  return found
end

describe("--audit", function()
  support.guard(before_each, after_each)

  local own

  setup(function()
    own = support.bin
    support.bin = folder .. "/aggr-e2e"
  end)

  teardown(function() support.bin = own end)

  local function url(path)
    return support.fixture():url(path or "/json")
  end

  it("counts what a run has made, and finds nothing left", function()
    local result, rows = audit(([[
      local base = %q
      aggr.map({ 1, 2, 3 }, function() return aggr.fetch(base).status end, { limit = 1 })
      local file = io.open("/dev/null")
      file:close()
      for _ in io.lines("/dev/null") do error "no lines" end
      aggr.sleep(0.001)
      return 1]]):format(url()))
    assert.same({ 0, "1\n" }, { result.code, result.out }, result.err)
    assert.same({}, leftovers(rows))
    assert.equal(4, rows.tasks.created)
    assert.equal(3, rows.requests.created)
    assert.equal(1, rows.sockets.created)
    assert.equal(2, rows.descriptors.created)
    assert.is_true(rows.timers.created >= 4, result.err)
    assert.is_true(rows.jobs.created >= 2, result.err) -- the script is read, the result is written
    assert.is_true(rows.bytes.created > 100, result.err)
    assert.is_nil(rows.handles.created)
  end)

  it("ends stderr", function()
    local result = audit 'print "said" error "boom"'
    assert.truthy(result.err:find("^said\n.*boom\n.*\naudit +created +left\n.*\nbytes +0 +0\n$"), result.err)
  end)

  describe("is not about", function()
    local LEFT_NOTHING = {
      ["idle connections"] = 'aggr.fetch(%q)',
      ["idle connections of libcurl"] = 'aggr.try(aggr.fetch, { url = %q, http = "2" })',
      ["an iterator of aggr.lines that was left"] = 'for _ in aggr.lines "/etc/passwd" do break end',
      ["requests that were cancelled"] =
        'aggr.first { function() aggr.fetch((%q):match("^(.*)/") .. "/hang") end, function() return 1 end }',
      ["files closed by io.close"] =
        'io.close(io.open "/dev/null") io.output(os.tmpname()) io.write "x" io.close()',
    }
    for what, code in pairs(LEFT_NOTHING) do
      it(what, function()
        local result, rows = audit(code:find("%q", 1, true) and code:format(url()) or code)
        assert.same({ 0, {} }, { result.code, leftovers(rows) }, result.err)
      end)
    end

    it("look-ups that were given up and end soon after the run", function()
      local result, rows = audit('aggr.try(aggr.fetch, { url = "http://a.slow/", timeout = 0.15 })', { env = LOOKUPS })
      assert.same({ 0, {} }, { result.code, leftovers(rows) }, result.err)
    end)

    it("output that its reader takes late, or a file that it goes to", function()
      local path = support.file([[
        local aggr = require "aggr"
        for _ = 1, 3 do aggr.emit(("x"):rep(40 * 1024)) end -- more than a pipe takes
        return 1]], ".lua")
      local running = support.start({ "run", path }, { stdout = support.PIPE })
      support.command { "sleep", "0.5" } -- for longer than jobs are waited for
      local bytes = 0
      repeat
        local some = running:read()
        bytes = bytes + #some
      until some == ""
      local result = running:finish()
      assert.same({ 0, "" }, { result.code, result.err })
      assert.equal(3 * (40 * 1024 + 3) + 2, bytes)
      local out = support.file("")
      assert.equal(0, audit("aggr.emit(1) return 2", { flags = { "--audit", "--out", out } }).code)
      assert.equal("1\n2\n", support.read(out))
    end)

    it("descriptors that the run was started with", function()
      local path = support.file("")
      local result = support.command({ "/bin/sh", "-c", ('exec "$0" run --audit -e "return 1" 7<%s'):format(path),
        support.bin })
      assert.same({ 0, {} }, { result.code, leftovers(rows_of(result.err)) }, result.err)
    end)
  end)

  describe("names the line of", function()
    local FILES = {
      ["io.open"] = 'io.open "/dev/null"',
      ["io.lines"] = 'for _ in io.lines "/etc/passwd" do break end',
      ["io.popen"] = 'io.popen "true"',
      ["io.tmpfile"] = "io.tmpfile()",
      ["io.input"] = 'io.input "/dev/null"',
    }
    for name, code in pairs(FILES) do
      it("a file of " .. name .. ", whether it was collected or is still held", function()
        for _, hold in ipairs { "", "kept = " } do
          if code:sub(1, 3) ~= "for" or hold == "" then
            local result, rows = audit(hold .. code .. "\ncollectgarbage() collectgarbage() return 1")
            assert.same({ 70, "1\n" }, { result.code, result.out }, result.err)
            assert.same({ descriptors = { "s:2: " .. name } }, leftovers(rows))
          end
        end
      end)
    end

    it("each of several files", function()
      local _, rows = audit [[
        for i = 1, 3 do io.open "/dev/null" end
        aggr.group(function(g)
          g:spawn(function()
            coroutine.wrap(function()
              io.open "/dev/null"
            end)()
          end)
        end)]]
      assert.equal(4, rows.descriptors.left)
      assert.same({ "s:2: io.open (3 times)", "s:6: io.open" }, rows.descriptors.lines)
    end)

    it("a task, and of what it waits for", function()
      local result, rows = audit [[
        coroutine.wrap(function()
          leak.task(function()
            aggr.channel(0):recv()
          end)
        end)()
        aggr.sleep(0)
        return 1]]
      assert.equal(70, result.code, result.err)
      assert.same({ tasks = { "s:3: waits in wait at s:4" } }, leftovers(rows))
    end)

    it("a task that was spawned after the script's end", function()
      local result, rows = audit [[
        leak.task(function()
          aggr.sleep(0.1)
          leak.task(function()
            aggr.channel(0):recv()
          end)
        end)
        return 1]]
      assert.equal(70, result.code, result.err)
      assert.equal("s:4: waits in wait at s:5", rows.tasks.lines[2], result.err)
    end)

    it("a timer", function()
      local result, rows = audit "\nleak.timer()"
      assert.equal(70, result.code, result.err)
      assert.same({ timers = { "s:3" } }, leftovers(rows))
    end)

    it("a socket, and its peer", function()
      local port = support.fixture().port
      local result, rows = audit(("leak.socket(%d)"):format(port))
      assert.equal(70, result.code, result.err)
      assert.same({ sockets = { "s:2: to 127.0.0.1:" .. port } }, leftovers(rows))
    end)

    it("a handle of libuv, as far as it is known", function()
      local result, rows = audit "leak.handle()"
      assert.equal(70, result.code, result.err)
      assert.same({ handles = { "no line is known: idle" } }, leftovers(rows))
    end)

    it("a look-up that nobody waits for and that does not end, behind a redirect too", function()
      local result, rows = audit(([[
        local function slow(url)
          return (aggr.fetch { url = url, timeout = %g })
        end
        aggr.try(slow, "http://a.hang/")
        aggr.try(slow, %q)]]):format(support.slow, url("/redirect?to=http://b.hang/")), { env = LOOKUPS })
      assert.equal(70, result.code, result.err)
      assert.same({ jobs = { "s:3: fetch (2 times)" } }, leftovers(rows))
    end)
  end)

  it("tells what a descriptor is that a C module has left", function()
    local path = support.file("")
    local result, rows = audit(("return require 'leaky' (%q)"):format(path))
    assert.equal(70, result.code, result.err)
    assert.same({ descriptors = { ("no line is known: descriptor %s, %s"):format(result.out:match("%d+"), path) } },
      leftovers(rows))
  end)

  local WAYS = {
    { "natively, to an address", [[http .. "/json"]] },
    { "natively, to a name", [[by_name .. "/json"]] },
    { "natively, behind a redirect", [[http .. "/redirect?to=" .. by_name .. "/json"]] },
    { "natively, over TLS", [[{ url = https .. "/json", http = "1.1", tls = { ca = ca } }]] },
    { "by libcurl", [[by_name .. "/json"]], transport = "curl" },
    { "by libcurl, over TLS", [[{ url = https .. "/json", tls = { ca = ca } }]], transport = "curl" },
  }
  for _, way in ipairs(WAYS) do
    it("names the line of the request that a socket was opened for " .. way[1], function()
      local peer = support.fixture()
      local result, rows = audit(([[
        leak.sockets()
        local http, by_name, https, ca = %q, %q, %q, %q
        aggr.group(function(g)
          g:spawn(function()
            aggr.fetch(%s)
          end)
        end)]]):format(peer:url(""), peer:url(""):gsub("127.0.0.1", "localhost"), peer:tls_url(""),
          peer.certs .. "/ca.pem", way[2]), { flags = { "--audit", "--transport", way.transport or "auto" } })
      assert.equal(70, result.code, result.err)
      local found = leftovers(rows)
      found.sockets[1] = found.sockets[1]:gsub(" %(%d+ times%)$", "") -- a name may have several addresses
      assert.same({ sockets = { "s:6: fetch" } }, found)
    end)
  end

  -- A task outside of the script's scopes is in the middle of a response when the script ends.
  it("names the line of a request, its timer and its bytes; idle connections are not left then either", function()
    local result, rows = audit(([[
      local http = %q
      leak.task(function()
        aggr.fetch { url = http .. "/redirect?to=" .. http .. "/hang%%3fphase=body", timeout = %g }
      end)
      aggr.fetch(http .. "/await?in_flight=1&path=/hang")
      for _ = 1, 3 do aggr.fetch(http .. "/json") end
      return 1]]):format(support.fixture():url(""), support.slow))
    assert.same({ 70, "1\n" }, { result.code, result.out }, result.err)
    local found = leftovers(rows)
    found.bytes = found.bytes[1]:match("^(s:4) %(%d+ bytes%)$")
    assert.same({ tasks = { "s:3: waits in fetch at s:4" }, requests = { "s:4: fetch" }, timers = { "s:4: fetch" },
      bytes = "s:4" }, found, result.err)
    assert.is_true(rows.bytes.left > 10)
    assert.equal(2, rows.sockets.created)
  end)

  describe("and the exit code:", function()
    local LEAK = 'io.open "/dev/null" '
    local PARTIAL = "return aggr.all { a = function() error 'boom' end }"

    it("70 in place of 0 and 3, no other", function()
      assert.equal(70, audit(LEAK .. "return 1").code)
      assert.equal(70, audit(LEAK .. "os.exit(0)").code)
      assert.equal(70, audit(LEAK .. PARTIAL).code)
      assert.equal(70, audit(LEAK .. PARTIAL, { flags = { "--audit", "--partial-ok" } }).code)
      assert.equal(1, audit(LEAK .. "error 'boom'").code)
      assert.equal(4, audit(LEAK .. "aggr.fetch 'http://127.0.0.1:1/'").code)
      assert.equal(7, audit(LEAK .. "os.exit(7)").code)
      assert.equal(3, audit(PARTIAL).code)
    end)

    it("the file of --out is not replaced then", function()
      local path = support.file("old")
      assert.equal(70, audit(LEAK .. "return 1", { flags = { "--audit", "--out", path } }).code)
      assert.same({ "old", "1\n" }, { support.read(path), support.read(path .. ".partial") })
    end)
  end)

  describe("is written", function()
    local LEAK = 'kept = io.open "/dev/null" return 1'

    it("with =leaks, and with -q, when something is left", function()
      for _, flags in ipairs { { "--audit=leaks" }, { "-q", "--audit" } } do
        assert.same({ 0, "" }, { audit("return 1", { flags = flags }).code, audit("return 1", { flags = flags }).err })
        local result, rows = audit(LEAK, { flags = flags })
        assert.same({ 70, { descriptors = { "s:2: io.open" } } }, { result.code, leftovers(rows) })
      end
    end)

    it("as AGGR_AUDIT says", function()
      for value, shown in pairs { ["1"] = true, ["0"] = false, leaks = false } do
        local result = audit("return 1", { flags = {}, env = { AGGR_AUDIT = value } })
        assert.same({ 0, shown }, { result.code, result.err ~= "" }, value)
      end
      local result = audit("return 1", { flags = {}, env = { AGGR_AUDIT = "maybe" } })
      assert.same({ 2, "aggr: AGGR_AUDIT must be one of leaks, got 'maybe'\n" }, { result.code, result.err })
    end)

    it("as one JSON line with --log-format json", function()
      local result = audit(LEAK, { flags = { "--audit", "--log-format", "json" } })
      local line = cjson.decode(result.err)
      assert.same({ "error", "audit: something is left", "audit" }, { line.level, line.msg, line.event })
      assert.truthy(line.time:find("^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$"))
      assert.same({ 1, 1, 1, 0 }, { line.audit.created.tasks, line.audit.created.descriptors,
        line.audit.left.descriptors, line.audit.left.tasks })
      assert.is_nil(line.audit.created.handles)
      local left = line.audit.leftovers[1]
      left.place = left.place:gsub("^.*/", "")
      assert.truthy(left.place:find("^%d+%.lua:2$"))
      assert.same({ 1, "descriptors", "io.open" }, { left.count, left.row, left.what })
      result = audit("return 1", { flags = { "--audit", "--log-format", "json" } })
      line = cjson.decode(result.err)
      assert.same({ "info", "audit: nothing is left", {} }, { line.level, line.msg, line.audit.leftovers })
    end)

    it("as JSON whatever a file is called", function()
      local path = support.file("", ' "\\\1\255\226\130\172')
      local result = audit(("require 'leaky' (%q)"):format(path), { flags = { "--audit", "--log-format", "json" } })
      local what = cjson.decode(result.err).audit.leftovers[1].what
      assert.equal(' "\\\1\239\191\189\226\130\172', what:sub(-#path):match(" .*$"))
    end)

    it("into the envelope, with the exit code it means", function()
      local result = audit(LEAK, { flags = { "--audit=leaks", "--envelope" } })
      local envelope = cjson.decode(result.out)
      assert.same({ 1, 70, 70 }, { envelope.data, envelope.exit, result.code })
      assert.same({ 1, "descriptors", "io.open" }, { envelope.run.audit.left.descriptors,
        envelope.run.audit.leftovers[1].row, envelope.run.audit.leftovers[1].what })
      result = audit("return 1", { flags = { "--envelope" }, env = { AGGR_AUDIT = false } })
      assert.is_nil(cjson.decode(result.out).run.audit)
    end)
  end)

  it("changes nothing that a script sees of its files", function()
    local result = audit([[
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write("a\nb\n")
      assert(file:close() == true and io.type(file) == "closed file")
      local lines = {}
      for line in io.lines(path) do lines[#lines + 1] = line end
      assert(table.concat(lines) == "ab")
      local missing = { io.open "/nowhere/x" }
      assert(missing[1] == nil and missing[2] == "/nowhere/x: No such file or directory" and missing[3] == 2)
      assert(not pcall(io.lines, "/nowhere/x"))
      assert(io.input(path) and io.read() == "a" and io.close(io.input()))
      os.remove(path)
      return 1]])
    assert.equal(0, result.code, result.err)
  end)
end)
