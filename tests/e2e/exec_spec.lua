--- aggr.exec: programs beside the loop. Whatever ends the call, nothing of the program is left.
local posix = require "e2e.posix"
local support = require "e2e.support"

local HEAD = 'local aggr = require "aggr"\n'

local function value(code, options)
  return support.value(HEAD .. code, options)
end

local function script(code, options)
  return support.script(HEAD .. code, options)
end

--- Does the process live? One that is dead and waits for whoever has inherited it does not.
local function lives(pid)
  local stat = support.read(("/proc/%d/stat"):format(pid))
  return stat and stat:match("%) (%a)") ~= "Z"
end

--- Has the process gone, or does it go within a second?
local function is_gone(pid)
  local limit = posix.now() + support.slow
  while lives(pid) do
    if posix.now() > limit then return false end
    posix.read_ready(-1, 0.01)
  end
  return true
end

--- A program that prints its own id and those of two below it, one of them deaf to SIGTERM, and then hangs.
local TREE = [[{ "sh", "-c",
  "trap '' TERM; (trap '' TERM; sleep 600) & one=$!; sleep 600 & echo $$ $one $!; wait; sleep 600" }]]

local function pids(text)
  local list = {}
  for pid in text:gmatch("%d+") do list[#list + 1] = tonumber(pid) end
  return list
end

local function assert_gone(text)
  local list = pids(text)
  assert.is_true(#list >= 3, text)
  for _, pid in ipairs(list) do assert.is_true(is_gone(pid), ("process %d is left"):format(pid)) end
end

describe("aggr.exec", function()
  describe("gives #valgrind", function()
    it("exit code, both outputs and the time", function()
      local got = value [[return aggr.exec { "sh", "-c", "printf out; printf err >&2; exit 7" }]]
      assert.same({ false, 7, "out", "err" }, { got.ok, got.code, got.stdout, got.stderr })
      assert.is_true(got.elapsed > 0 and got.elapsed < 20)
      got = value [[return aggr.exec { "true" }]]
      assert.same({ true, 0, "", "" }, { got.ok, got.code, got.stdout, got.stderr })
    end)

    it("the signal that ended it", function()
      local got = value [[return aggr.exec { "sh", "-c", "echo a; kill -TERM $$" }]]
      assert.same({ false, "SIGTERM", "a\n" }, { got.ok, got.signal, got.stdout })
      assert.is_nil(got.code)
    end)

    it("bytes as they are, many of them on both at once", function()
      local got = value [[
        local got = aggr.exec { "sh", "-c", "head -c 8000000 /dev/zero & head -c 8000000 /dev/zero >&2; wait" }
        return { #got.stdout, #got.stderr, got.stdout == ("\0"):rep(8e6) }]]
      assert.same({ 8e6, 8e6, true }, got)
    end)
  end)

  describe("hands over", function()
    it("arguments as they are, numbers in full, without a shell", function()
      assert.same("a b|$HOME|*|123456789012345|0.5||'", value [[
        local format = "%s|%s|%s|%s|%s|%s|%s"
        return aggr.exec { "printf", format, "a b", "$HOME", "*", 123456789012345, 0.5, "", "'" }.stdout]])
    end)

    it("stdin, all of it, also to those that do not read it", function()
      assert.same({ 3000000, true, "ab", "" }, value [[
        local text = ("x"):rep(3e6)
        return {
          #aggr.exec { "cat", stdin = text }.stdout,
          aggr.exec { "true", stdin = text }.ok,
          aggr.exec { "head", "-c", "2", stdin = "abc" .. text }.stdout,
          aggr.exec { "cat", stdin = "" }.stdout,
        }]])
    end)

    it("an empty stdin, not the run's own", function()
      assert.equal('["","mine"]\n', script([[
        return { aggr.exec { "cat" }.stdout, aggr.read "-" }]], { stdin = "mine" }).out)
    end)

    it("the environment with changes, and a folder", function()
      local folder = support.folder()
      assert.same({ "kept new unset 12\n", folder .. "\n" }, value([[
        local env = { B = "new", C = false, D = 12 }
        return {
          aggr.exec { "sh", "-c", "echo $A $B ${C-unset} $D", env = env }.stdout,
          aggr.exec { "pwd", cwd = ... }.stdout,
        }]], { env = { A = "kept", B = "old", C = "there" }, args = { folder } }))
    end)

    it("no descriptor but three, and signals as programs expect them", function()
      local path = support.file("x")
      local got = value([[
        local open = io.open(...)
        local fds = aggr.exec { "sh", "-c", "ls /proc/$$/fd" }.stdout
        open:close()
        local status = aggr.exec { "grep", "Sig", "/proc/self/status" }.stdout
        local standard = 2 ^ 31 -- signals 1 to 31
        local blocked, ignored = status:match("SigBlk:%s*(%x+)"), status:match("SigIgn:%s*(%x+)")
        return { fds, tonumber(blocked, 16), tonumber(ignored, 16) % standard,
          aggr.exec { "sh", "-c", "yes | head -n 1" }.stdout,
          aggr.exec { "sh", "-c", "echo x > /dev/stdout" }.stdout }]],
        { args = { path } })
      assert.same({ "0\n1\n2\n", 0, 0, "y\n", "x\n" }, got)
    end)
  end)

  describe("refuses", function()
    for code, message in pairs {
      ['"ls -l"'] = "usage: aggr.exec: expected a table such as { 'ls', '-l' }, got 'ls -l'",
      ["{}"] = "usage: aggr.exec: the program is missing",
      ['{ "" }'] = "usage: aggr.exec: the program is missing",
      ['{ "ls", {} }'] = "usage: aggr.exec: argument 1 must be a string or a number, got a table",
      ['{ "ls", "a\\0b" }'] = "usage: aggr.exec: argument 1 must not hold a NUL",
      ['{ "ls", nil, "x" }'] = "usage: aggr.exec: options are named, got the key 3",
      ['{ "ls", timout = 1 }'] = "usage: aggr.exec: unknown option 'timout', did you mean 'timeout'?",
      ['{ "ls", timeout = 0 }'] = "usage: aggr.exec: timeout must be more than 0",
      ['{ "ls", max_output = "1 ms" }'] = "usage: aggr.exec: max_output must be a size",
      ['{ "ls", stdin = 1 }'] = "usage: aggr.exec: stdin must be a string, got 1",
      ['{ "ls", cwd = {} }'] = "usage: aggr.exec: cwd must be a string, got a table",
      ['{ "ls", env = { "A=1" } }'] = "usage: aggr.exec: env: expected names of variables, got 1",
      ['{ "ls", env = { ["A=B"] = "1" } }'] = "usage: aggr.exec: env: expected names of variables, got 'A=B'",
      ['{ "no-such-program" }'] = "script: cannot run 'no-such-program': no such program in PATH",
      ['{ "./none" }'] = "script: cannot run './none': No such file or directory",
      ['{ "/etc/passwd" }'] = "script: cannot run '/etc/passwd': Permission denied",
      ['{ "ls", cwd = "/nowhere" }'] = "script: cannot run 'ls' in /nowhere: No such file or directory",
    } do
      it(code .. " at the caller's line", function()
        local result = script("local ended = aggr.exec(" .. code .. ")\nreturn ended")
        assert.equal(1, result.code)
        assert.truthy(result.err:find("lua:2: " .. message, 1, true), result.err)
      end)
    end

    it("once the run is cut short, or the scope cancelled", function()
      local result = script([[
        aggr.deadline(0, function() aggr.exec { "touch", aggr.args[1] } end)]],
        { args = { support.folder() .. "/touched" } })
      assert.equal(4, result.code)
      assert.is_nil(support.read(support.folder() .. "/touched"))
    end)
  end)

  describe("kills the whole group", function()
    it("at its timeout, and says so with what it wrote", function()
      local got = value(([[
        local _, err = aggr.try(aggr.exec, { timeout = "300ms", unpack(%s) })
        return { err, err.result.stdout, err.result.elapsed }]]):format(TREE))
      assert.equal("timeout", got[1].kind)
      assert.equal("'sh' still ran after 0.3 s and was killed", got[1].message)
      assert.is_true(got[3] >= 0.3)
      assert_gone(got[2])
    end)

    it("when an output is over max_output, of which it keeps that much", function()
      local got = value [[
        local _, err = aggr.try(aggr.exec, { "sh", "-c", "echo $$ >&2; head -c 65537 /dev/zero; sleep 600",
          max_output = "64KiB" })
        return { err, #err.result.stdout, err.result.stderr }]]
      assert.equal("too_large", got[1].kind)
      assert.equal("'sh' wrote more than 65536 bytes to stdout and was killed (max_output)", got[1].message)
      assert.equal(65536, got[2])
      assert.is_true(is_gone(pids(got[3])[1]))
    end)

    it("but not when an output is as large as max_output", function()
      assert.equal(65536, value [[
        return #aggr.exec { "head", "-c", "65536", "/dev/zero", max_output = "64KiB" }.stdout]])
    end)

    it("when it is cancelled, in the same turn of the loop", function()
      local fifo = support.folder() .. "/tree"
      local got = value(([[
        os.execute("mkfifo " .. ...)
        local task, text
        local waited
        aggr.group(function(g)
          local tree = %s
          tree[3] = "exec 3>" .. aggr.args[1] .. "; " .. tree[3]:gsub("echo", ">&3 echo") .. " 3>&-"
          task = g:spawn(aggr.exec, tree)
          for line in aggr.lines(aggr.args[1]) do text = line break end
          local began = aggr.now()
          task:cancel()
          aggr.sleep(0)
          waited = aggr.now() - began
        end)
        return { text, task.state, waited }]]):format(TREE), { args = { fifo } })
      assert_gone(got[1])
      assert.equal("cancelled", got[2])
      assert.is_true(got[3] < 0.1 * support.slow)
    end)

    it("when it has ended and left something running, whether that holds its outputs or not", function()
      local got = value [[
        local held = aggr.exec { "sh", "-c", "sleep 600 & echo $$ $! $!" }
        local quiet = aggr.exec { "sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $$ $! $!" }
        return { held, quiet }]]
      for i = 1, 2 do
        assert.equal(0, got[i].code)
        assert_gone(got[i].stdout)
      end
      assert.is_true(got[1].elapsed >= 1)
      assert.is_true(got[2].elapsed < 1)
    end)

    it("but waits for the last words of what is about to end", function()
      assert.equal("now late\n", value [[
        return aggr.exec { "sh", "-c", "(read x < /proc/self/stat; sleep 0.1; echo late) & printf 'now '" }.stdout]])
    end)
  end)

  describe("is killed with the run", function()
    local function started(options)
      local path = support.file(HEAD .. ([[
        aggr.group(function(g)
          g:spawn(%s, { "sh", "-c", "echo $$ > " .. aggr.args[1] .. "; sleep 600" })
          g:spawn(function()
            local fifo = aggr.args[1]
            for line in aggr.lines(fifo) do aggr.emit(line) break end
            %s
          end)
        end)]]):format(options.shield and "function(t) aggr.shield(60, aggr.exec, t) end" or "aggr.exec",
        options.code or "aggr.sleep(60)"), ".lua")
      local fifo = path .. ".fifo"
      os.execute("mkfifo " .. fifo)
      local args = { "run", path, fifo }
      for _, flag in ipairs(options.flags or {}) do table.insert(args, 2, flag) end
      local running = support.start(args, { stdout = support.PIPE })
      return running, tonumber(running:read(100):match("%d+"))
    end

    for name, code in pairs { INT = 130, TERM = 143 } do
      it("at the first SIG" .. name, function()
        local running, pid = started {}
        running:signal(name)
        assert.equal(code, running:finish().code)
        assert.is_true(is_gone(pid))
      end)
    end

    it("at its deadline", function()
      local running, pid = started { flags = { "--deadline=500ms" } }
      assert.equal(6, running:finish().code)
      assert.is_true(is_gone(pid))
    end)

    it("by os.exit and by an error", function()
      for code, exit in pairs { ["os.exit(9)"] = 9, ["error 'boom'"] = 1 } do
        local running, pid = started { code = code }
        assert.equal(exit, running:finish().code)
        assert.is_true(is_gone(pid))
      end
    end)

    it("at the second signal, which ends the run at once", function()
      local running, pid = started { shield = true,
        code = "aggr.defer(function() print 'deferred' aggr.sleep(4) end) aggr.sleep(60)" }
      running:signal("INT")
      local limit = posix.now() + 10 * support.slow
      repeat until running:stderr_so_far():find("deferred") or posix.now() > limit
      assert.is_truthy(lives(pid))
      running:signal("INT")
      assert.equal(130, running:finish().code)
      assert.is_true(is_gone(pid))
    end)
  end)

  it("leaves no zombie and no descriptor behind, many times over", function()
    local path = support.file(HEAD .. [[
      local signs = aggr.lines "-"
      aggr.exec { "true" } -- uv keeps a pipe from the first one on
      aggr.emit "before"
      signs()
      local list = {}
      for i = 1, 200 do list[i] = i end
      local ended = aggr.map(list, function(i)
        if i % 4 == 0 then return aggr.try(aggr.exec, { "sleep", "60", timeout = "50ms" }) or false end
        return aggr.exec { "echo", i }.stdout
      end, { limit = 200 })
      assert(ended[1] == "1\n" and ended[199] == "199\n" and ended[200] == false)
      aggr.exec { "true" }
      aggr.emit "after"
      signs()]], ".lua")
    local running = support.start({ "run", path }, { stdin = support.PIPE, stdout = support.PIPE })
    local function lines(command)
      local pipe = io.popen(command:format(running.pid))
      local _, count = pipe:read("*a"):gsub("\n", "")
      pipe:close()
      return count
    end
    assert.equal('"before"\n', running:read(100))
    local before = lines "ls /proc/%d/fd"
    running:write "go\n"
    assert.equal('"after"\n', running:read(100))
    assert.equal(before, lines "ls /proc/%d/fd")
    assert.equal(0, lines "grep -l '^PPid:.%d$' /proc/[0-9]*/status | xargs -r grep '^State:.Z'")
    running:write "go\n"
    assert.equal(0, running:finish().code)
  end)

  it("queues what is more than a few programs at once where few files may be open", function()
    local path = support.file(HEAD .. [[
      local list = {}
      for i = 1, 50 do list[i] = i end
      local ended, report = aggr.map(list, function(i) return aggr.exec { "echo", i }.stdout end, { limit = 50 })
      return report.succeeded]], ".lua")
    local result = support.aggr({ "run", "-q", path }, { open_files = 64 })
    assert.same({ 0, "50\n" }, { result.code, result.out }, result.err)
  end)

  it("and os.execute, io.popen and their exit codes get along", function()
    assert.same({ 768, "popen\n", "exec\n", 0 }, value [[
      local got = {}
      aggr.group(function(g)
        local task = g:spawn(aggr.exec, { "sh", "-c", "sleep 0.05; echo exec" })
        aggr.sleep(0)
        got[1] = os.execute "exit 3"
        local pipe = io.popen "echo popen"
        got[2] = pipe:read "*a"
        pipe:close()
        got[3] = task:wait().stdout
        got[4] = os.execute "true"
      end)
      return got]])
  end)

  it("is masked where its errors show secrets", function()
    local result = script([[aggr.exec { "no-" .. aggr.secret "TOKEN" }]], { env = { TOKEN = "abcdef" } })
    assert.truthy(result.err:find("cannot run 'no-***': no such program in PATH", 1, true), result.err)
    assert.is_nil(result.err:find("abcdef", 1, true))
  end)
end)
