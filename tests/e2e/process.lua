--- A program under test: started with its own arguments, environment and standard streams, always
--- bounded in time, its output kept.
local posix = require "e2e.posix"
local process = {}
process.__index = process
process.__name = "process"

-- What children inherit; everything else (proxies, AGGR_*, locale) would make tests depend on who runs them.
local INHERITED = { "PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "AGGR_TEST_JIT",
  "AGGR_TEST_GC", "AGGR_TRANSPORT" }

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local content = file:read("*a")
  file:close()
  return content or ""
end

local function environment(extra)
  local values, list = { LC_ALL = "C.UTF-8" }, {}
  for _, name in ipairs(INHERITED) do values[name] = os.getenv(name) end
  values.AGGR_STALL = "0" -- slowness is not the script's
  for name, value in pairs(extra or {}) do values[name] = value or nil end
  for name, value in pairs(values) do list[#list + 1] = name .. "=" .. value end
  return list
end

local function program(name)
  if name:find("/", 1, true) then return name end
  for folder in os.getenv("PATH"):gmatch("[^:]+") do
    if posix.exists(folder .. "/" .. name) then return folder .. "/" .. name end
  end
  error("no such program: " .. name, 3)
end

local function open_stdin(self, options)
  local what = options.stdin
  if what == false then return false end
  if what == process.PIPE then
    local read, write = posix.pipe()
    self.stdin = write
    return read
  end
  if options.stdin_file then return posix.open_as(options.stdin_file, 0) end
  if not what then return posix.open_as("/dev/null", 0) end
  local path = self.folder .. "/stdin"
  local file = assert(io.open(path, "wb"))
  file:write(what)
  file:close()
  return posix.open_as(path, 0)
end

local function open_stdout(self, options)
  local what = options.stdout
  if what == false then return false end
  if what == process.PIPE then
    local read, write = posix.pipe()
    self.stdout = read
    return write
  elseif what == process.BROKEN then
    local read, write = posix.pipe()
    posix.close(read)
    return write
  end
  return what and posix.open_as(what, 1) or posix.open(self.folder .. "/stdout")
end

process.PIPE = {}   -- options.stdin, options.stdout: a pipe the test writes to, reads from
process.BROKEN = {} -- options.stdout: a pipe whose reader has gone

--- Where the captured streams are kept; support.lua makes it the run's own folder.
function process.home() end

--- Starts `argv`. Options: stdin (string, false = closed, process.PIPE) or stdin_file, stdout (path, false = closed,
--- process.PIPE, process.BROKEN), env, cwd, open_files.
function process.start(argv, options)
  options = options or {}
  local self = setmetatable({ folder = posix.mkdtemp(process.home()), began = posix.now(), argv = argv }, process)
  argv[1] = program(argv[1])
  local fds = { [0] = open_stdin(self, options), open_stdout(self, options), posix.open(self.folder .. "/stderr") }
  self.pid = posix.spawn(argv, environment(options.env), fds, options)
  for target = 0, 2 do
    if fds[target] then posix.close(fds[target]) end
  end
  return self
end

--- Sends "INT", "TERM", ….
function process:signal(name)
  return posix.kill(self.pid, posix.SIGNAL[name])
end

--- Bytes for a PIPE stdin; false when the process no longer reads.
function process:write(bytes)
  return posix.write(self.stdin, bytes)
end

function process:close_stdin()
  if self.stdin then posix.close(self.stdin) end
  self.stdin = nil
end

--- Up to `size` bytes of a PIPE stdout; "" at its end, nil when none come within `timeout` s.
function process:read(size, timeout)
  return posix.read(self.stdout, size or 65536, timeout or 10)
end

function process:close_stdout()
  if self.stdout then posix.close(self.stdout) end
  self.stdout = nil
end

--- What has been written to stderr so far.
function process:stderr_so_far()
  return read_file(self.folder .. "/stderr")
end

local function tidy(self)
  self:close_stdin()
  self:close_stdout()
  for _, name in ipairs { "stdin", "stdout", "stderr" } do os.remove(self.folder .. "/" .. name) end
  os.remove(self.folder)
end

--- Waits for the end, killing the process after `limit` seconds.
--- { code, signal, timed_out, out, err, elapsed }
function process:wait(limit)
  local code, signal = posix.wait(self.pid, limit)
  local timed_out = not code and not signal
  if timed_out then
    posix.kill(self.pid, posix.SIGNAL.KILL)
    code, signal = posix.wait(self.pid, 10)
  end
  local result = {
    code = code, signal = signal, timed_out = timed_out, elapsed = posix.now() - self.began,
    out = read_file(self.folder .. "/stdout"), err = self:stderr_so_far(),
  }
  tidy(self)
  return result
end

return process
