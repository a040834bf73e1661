--- The few system calls the end-to-end specs need, through LuaJIT's FFI: processes and sockets.
local ffi = require "ffi"
local posix = {}

ffi.cdef [[
typedef void (*aggr_sighandler)(int);
struct aggr_rlimit { unsigned long soft, hard; };
struct aggr_pollfd { int fd; short events, revents; };
struct aggr_timeval { long s, us; };
struct aggr_timespec { long s, ns; };
struct aggr_sockaddr_in { unsigned short family, port; unsigned char address[4]; char zero[8]; };
int fork(void);
int execve(const char *path, const char *const *argv, const char *const *envp);
void _exit(int status);
int waitpid(int pid, int *status, int options);
int kill(int pid, int signal);
int open(const char *path, int flags, int mode);
int close(int fd);
int dup2(int from, int to);
int pipe2(int *fds, int flags);
int chdir(const char *path);
int setrlimit(int resource, const struct aggr_rlimit *limit);
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
aggr_sighandler signal(int number, aggr_sighandler handler);
int poll(struct aggr_pollfd *fds, unsigned long count, int timeout_ms);
long syscall(long number, long a, long b);
long read(int fd, void *buffer, size_t size);
long write(int fd, const void *buffer, size_t size);
int socket(int domain, int kind, int protocol);
int connect(int fd, const struct aggr_sockaddr_in *address, unsigned len);
int bind(int fd, const struct aggr_sockaddr_in *address, unsigned len);
int getsockname(int fd, struct aggr_sockaddr_in *address, unsigned *len);
int setsockopt(int fd, int level, int option, const void *value, unsigned len);
int clock_gettime(int clock, struct aggr_timespec *now);
char *strerror(int code);
char *mkdtemp(char *template);
int getpid(void);
int access(const char *path, int mode);
]]
local C = ffi.C

posix.SIGNAL = { HUP = 1, INT = 2, QUIT = 3, ABRT = 6, KILL = 9, PIPE = 13, TERM = 15, CONT = 18, STOP = 19 }

local O_RDWR, O_CREAT, O_TRUNC, O_CLOEXEC = 2, 64, 512, 524288
local WNOHANG, PR_SET_PDEATHSIG, RLIMIT_NOFILE, SYS_PIDFD_OPEN = 1, 1, 7, 434
local POLLIN, CLOCK_MONOTONIC = 1, 1
local SIG_DFL = ffi.cast("aggr_sighandler", 0)
local SIG_IGN = ffi.cast("aggr_sighandler", 1)

local function checked(result, what)
  if result < 0 then error(what .. ": " .. ffi.string(C.strerror(ffi.errno())), 3) end
  return result
end

--- Monotonic seconds.
function posix.now()
  local now = ffi.new("struct aggr_timespec")
  C.clock_gettime(CLOCK_MONOTONIC, now)
  return tonumber(now.s) + tonumber(now.ns) / 1e9
end

--- A new, empty folder inside `parent`, or among the temporary files.
function posix.mkdtemp(parent)
  local template = (parent or os.getenv("TMPDIR") or "/tmp") .. "/aggr-test-XXXXXX"
  local path = ffi.new("char[?]", #template + 1, template)
  if C.mkdtemp(path) == nil then error("mkdtemp failed") end
  return ffi.string(path)
end

function posix.open(path)
  return checked(C.open(path, O_RDWR + O_CREAT + O_TRUNC + O_CLOEXEC, 420), path)
end

--- Opens for reading (flags 0) or writing (1) without creating anything.
function posix.open_as(path, flags)
  return checked(C.open(path, flags + O_CLOEXEC, 0), path)
end

--- Read end, write end; neither survives an exec.
function posix.pipe()
  local fds = ffi.new("int[2]")
  checked(C.pipe2(fds, O_CLOEXEC), "pipe")
  return fds[0], fds[1]
end

function posix.close(fd)
  C.close(fd)
end

--- Up to `size` bytes within `timeout` seconds: "" at end of file, nil when none came in time.
function posix.read(fd, size, timeout)
  local poll = ffi.new("struct aggr_pollfd[1]")
  poll[0].fd, poll[0].events = fd, POLLIN
  if C.poll(poll, 1, math.ceil(timeout * 1000)) <= 0 then return nil end
  local buffer = ffi.new("char[?]", size)
  local got = tonumber(C.read(fd, buffer, size))
  return got > 0 and ffi.string(buffer, got) or ""
end

--- Writes it all; false when the other end is gone.
function posix.write(fd, bytes)
  C.signal(posix.SIGNAL.PIPE, SIG_IGN)
  while #bytes > 0 do
    local sent = tonumber(C.write(fd, bytes, #bytes))
    if sent <= 0 then return false end
    bytes = bytes:sub(sent + 1)
  end
  return true
end

local function strings(list)
  local array = ffi.new("const char *[?]", #list + 1)
  for i, text in ipairs(list) do array[i - 1] = text end
  array[#list] = nil
  return array
end

--- Starts a process that dies with us. `fds` = { [0]=, [1]=, [2]= }: descriptors, or false for closed.
--- `options`: cwd, open_files (RLIMIT_NOFILE).
function posix.spawn(argv, environment, fds, options)
  local args, env = strings(argv), strings(environment)
  local limit = ffi.new("struct aggr_rlimit", options.open_files or 0, options.open_files or 0)
  local pid = checked(C.fork(), "fork")
  if pid > 0 then return pid end
  C.prctl(PR_SET_PDEATHSIG, posix.SIGNAL.KILL, 0, 0, 0)
  C.signal(posix.SIGNAL.PIPE, SIG_DFL)
  C.signal(posix.SIGNAL.INT, SIG_DFL)
  for target = 0, 2 do
    if fds[target] then C.dup2(fds[target], target) else C.close(target) end
  end
  if options.cwd then C.chdir(options.cwd) end
  if options.open_files then C.setrlimit(RLIMIT_NOFILE, limit) end
  C.execve(argv[1], args, env)
  C._exit(127)
end

--- Waits up to `timeout` seconds. Exit code and signal (one of them nil), or nothing when it still runs.
function posix.wait(pid, timeout)
  local status = ffi.new("int[1]")
  local pidfd = tonumber(C.syscall(SYS_PIDFD_OPEN, pid, 0))
  if pidfd >= 0 then
    posix.read_ready(pidfd, timeout)
    C.close(pidfd)
  end
  if C.waitpid(pid, status, WNOHANG) ~= pid then return end
  local signal = status[0] % 128
  if signal ~= 0 then return nil, signal end
  return math.floor(status[0] / 256) % 256
end

function posix.read_ready(fd, timeout)
  local poll = ffi.new("struct aggr_pollfd[1]")
  poll[0].fd, poll[0].events = fd, POLLIN
  return C.poll(poll, 1, math.ceil(timeout * 1000)) > 0
end

function posix.kill(pid, signal)
  return C.kill(pid, signal) == 0
end

function posix.exists(path)
  return C.access(path, 0) == 0
end

local function loopback(port)
  local address = ffi.new("struct aggr_sockaddr_in")
  address.family = 2
  address.port = bit.bor(bit.lshift(bit.band(port, 255), 8), bit.rshift(port, 8))
  address.address[0], address.address[3] = 127, 1
  return address, ffi.sizeof(address)
end

local function tcp_socket()
  return checked(C.socket(2, 1 + O_CLOEXEC, 0), "socket")
end

--- A port that is free now, for programs that cannot choose one themselves.
function posix.free_port()
  local fd = tcp_socket()
  local address, len = loopback(0)
  checked(C.bind(fd, address, len), "bind")
  C.getsockname(fd, address, ffi.new("unsigned[1]", len))
  C.close(fd)
  return bit.bor(bit.lshift(bit.band(address.port, 255), 8), bit.rshift(address.port, 8))
end

--- Waits until something listens on the port: true, or false after `timeout` seconds.
function posix.await_listener(port, timeout)
  local give_up = posix.now() + timeout
  repeat
    local fd = tcp_socket()
    local listening = C.connect(fd, loopback(port)) == 0
    C.close(fd)
    if listening then return true end
    C.poll(nil, 0, 10)
  until posix.now() > give_up
  return false
end

--- One HTTP/1.1 exchange with 127.0.0.1:port on a connection of its own: status, body.
function posix.http(port, method, target, body, timeout)
  local SOL_SOCKET, SO_RCVTIMEO = 1, 20
  local fd = tcp_socket()
  local limit = ffi.new("struct aggr_timeval", timeout or 20, 0)
  C.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, limit, ffi.sizeof(limit))
  if C.connect(fd, loopback(port)) ~= 0 then
    C.close(fd)
    error("cannot connect to the fixture on port " .. port, 2)
  end
  posix.write(fd, ("%s %s HTTP/1.1\r\nHost: fixture\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s")
    :format(method, target, #(body or ""), body or ""))
  local parts, buffer = {}, ffi.new("char[65536]")
  repeat
    local got = tonumber(C.read(fd, buffer, 65536))
    if got > 0 then parts[#parts + 1] = ffi.string(buffer, got) end
  until got <= 0
  C.close(fd)
  local answer = table.concat(parts)
  return tonumber(answer:match("^HTTP/1.1 (%d+)")), answer:match("\r\n\r\n(.*)$")
end

return posix
