--- aggr.work in the binary: its threads, what it prints, and a run that ends while one of them is at it.
local posix = require "e2e.posix"
local support = require "e2e.support"

local HEAD = 'local aggr = require "aggr"\n'

local function script(code, options)
  return support.script(HEAD .. code, options)
end

local function fifo()
  local path = support.file("") .. ".fifo"
  os.execute("mkfifo " .. path)
  return path
end

describe("aggr.work", function()
  it("#valgrind fails a run with the function's line, the call's line and what it prints", function()
    local result = script("local n = aggr.work(function(x)\n  return x.y.z\nend, {})\nreturn n")
    assert.equal(1, result.code)
    local path = result.err:match("^(%S-):")
    assert.equal(([[
%s:3: script: attempt to index field 'y' (a nil value)
  3 |   return x.y.z
    |            ^
  spawned at %s:2
]]):format(path, path), result.err)
  end)

  it("gives -v the traceback of the thread", function()
    local result = script("local _ = aggr.work(function()\n  local function inner() error 'boom' end\n  inner()\nend)",
      { flags = { "-v" } })
    assert.truthy(result.err:find(":3: in function 'inner'\n", 1, true), result.err)
    assert.truthy(result.err:find(":4: in function <", 1, true), result.err)
  end)

  it("prints and logs as the script does: to stderr, masked, in one format", function()
    local code = [[
      local token = aggr.secret "TOKEN"
      aggr.work(function(token)
        local aggr = require "aggr" -- luacheck: ignore
        print("a", 1, token)
        aggr.log.info("told", { n = 1 })
        aggr.log.debug "not told"
      end, token)
      return 1]]
    local options = { env = { TOKEN = "abcdef" } }
    assert.same({ "1\n", "a\t1\t***\ninfo: told n=1\n" },
      { script(code, options).out, script(code, options).err })
    options.flags = { "--log-format=json" }
    local err = script(code, options).err
    assert.truthy(err:find('"msg":"a\\t1\\t***"', 1, true), err)
    assert.truthy(err:find('"msg":"told"', 1, true), err)
  end)

  it("has ffi when --allow-ffi gives it to scripts", function()
    local code = 'return aggr.work(function() return require("ffi").sizeof "int" end)'
    assert.equal("4\n", script(code, { flags = { "--allow-ffi" } }).out)
    assert.truthy(script(code).err:find("ffi is off", 1, true))
  end)

  it("finds modules beside the script", function()
    local folder = posix.mkdtemp(support.folder())
    local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write(text)
      file:close()
      return folder .. "/" .. name
    end
    write("sums.lua", "return { add = function(a, b) return a + b end }")
    local path = write("main.lua", HEAD .. 'return aggr.work("sums", "add", 1, 2)')
    assert.equal("3\n", support.aggr({ "run", path }).out)
  end)

  it("uses as many threads as --workers says, and serves in order", function()
    local gate = fifo()
    local result = script([[
      local order = {}
      aggr.group(function(g)
        local function blocked(gate) return io.open(gate):read("*a") end
        g:spawn(function() table.insert(order, (aggr.work(blocked, aggr.args[1]))) end)
        for i = 1, 5 do
          g:spawn(function() table.insert(order, (aggr.work(function(n) return n end, i))) end)
        end
        aggr.sleep(0.05)
        assert(#order == 0)
        aggr.write(aggr.args[1], "first")
      end)
      return order]], { args = { gate }, flags = { "--workers=1" } })
    assert.equal('["first",1,2,3,4,5]\n', result.out, result.err)
  end)

  it("keeps the loop free while its threads compute", function()
    local result = script([[
      local ticks = 0
      aggr.group(function(g)
        local done
        g:spawn(function() while not done do aggr.sleep(0.005) ticks = ticks + 1 end end)
        aggr.work(function() local from = os.clock() while os.clock() - from < 0.3 do end end)
        done = true
      end)
      return ticks]])
    assert.is_true(tonumber(result.out) > 10, result.out .. result.err)
  end)

  describe("abandoned", function()
    it("#valgrind lets the script go on, and is told of when it has ended", function()
      local result = script([[
        local started, gate = ...
        local function blocked(started, gate)
          io.open(started, "w"):close()
          return io.open(gate):read("*a")
        end
        aggr.group(function(g)
          local task = g:spawn(function()
            local _ = aggr.work(blocked, started, gate)
          end)
          aggr.read(started)
          task:cancel()
        end)
        print "cancelled"
        aggr.write(gate, "go on")
        for _ = 1, 1000 do aggr.work(function() end) end
        print "next"]], { args = { fifo(), fifo() } })
      assert.equal(0, result.code)
      local place, seconds = result.err:match(
        "^cancelled\nwarn: work abandoned at %S+lua:(%d+) ran (%d+%.%d) s more\nnext\n$")
      assert.equal("9", place, result.err)
      assert.is_true(tonumber(seconds) < 2 * support.slow)
    end)

    --- Long enough for a thread to start.
    local DEADLINE = ("--deadline=%dms"):format(200 * support.slow)

    for what, code in pairs {
      ["in an endless loop"] = "while true do end",
      ["in a call of C"] = 'return (("a"):rep(3e4):find(".-.-.-.-b"))',
      ["reading stdin"] = "return io.read()",
      ["in a pcall that goes on and on"] = "while true do pcall(error) end",
    } do
      it(what .. " does not hold up the end of the run", function()
        local running = support.start({ "run", DEADLINE, support.file(HEAD .. ([[
          local n = aggr.work(function() %s end)
          return n]]):format(code), ".lua") }, { stdin = support.PIPE })
        local result = running:finish(10)
        assert.equal(6, result.code, result.err)
        assert.truthy(result.err:find("warn: work abandoned at %S+:2 still runs, 0%.%d s after\n"), result.err)
        assert.is_true(result.elapsed < 5 * support.slow)
      end)
    end

    it("and still running is what --audit finds left, with the line that called it", function()
      local result = script("local _ = aggr.try(aggr.deadline, '200ms', function()\n"
        .. "  local _ = aggr.work(function() while true do end end)\nend)", { flags = { "--workers=1" } })
      assert.equal(70, result.code)
      assert.truthy(result.err:find("\njobs +%d+ +1\n  %S+:3: work\n"), result.err)
    end)

    it("is told of in JSON", function()
      local result = script("local _ = aggr.work(function() while true do end end)",
        { flags = { DEADLINE, "--log-format=json" } })
      local line = result.err:match("[^\n]*abandoned[^\n]*")
      assert.truthy(line:find('"event":"work"', 1, true), line)
      assert.truthy(line:find('"running":true', 1, true), line)
    end)

    it("in numbers leaves threads for others", function()
      local result = script([[
        for _ = 1, 20 do
          aggr.try(aggr.deadline, "10ms", function()
            local _ = aggr.work(function() while true do os.execute "sleep 1" end end)
          end)
        end
        return aggr.work(function() return "served" end)]],
        { flags = { "-q", "--workers=2" }, env = { AGGR_AUDIT = false } })
      assert.equal('"served"\n', result.out, result.err)
    end)
  end)

end)

describe("files that block", function()
  it("hold up neither other tasks nor the end: a FIFO that nobody writes or reads", function()
    for _, call in ipairs { "aggr.read(path)", "for _ in aggr.lines(path) do end", "aggr.write(path, 'x')" } do
      local result = script(([[
        local path = ...
        local _, err = aggr.try(aggr.deadline, "100ms", function() %s end)
        return err.kind]]):format(call), { args = { fifo() }, env = { AGGR_AUDIT = false } })
      assert.same({ '"deadline"\n', 0 }, { result.out, result.code }, result.err)
      assert.is_true(result.elapsed < 5 * support.slow)
    end
  end)

  it("read pipes by their names, and refuse folders", function()
    local result = script([[return { aggr.read "/dev/stdin", aggr.read "/dev/null" }]], { stdin = "piped" })
    assert.equal('["piped",""]\n', result.out, result.err)
    for _, call in ipairs { "aggr.read '/'", "aggr.lines '/'", "aggr.write('/', 'x')" } do
      local refused = script("local _ = " .. call)
      assert.equal(1, refused.code)
      assert.truthy(refused.err:find("/: Is a directory", 1, true), refused.err)
    end
  end)
end)
