-- peer_nginx.lua: many GETs of one URL with nginx's Lua module (OpenResty), a light thread for each
-- of those in flight, over its sockets and its pool of connections.
--
-- For init_worker_by_lua_file; BENCH_URL, BENCH_TOTAL and BENCH_CONCURRENCY say what, the
-- CA is in peer_nginx.conf. Prints ok, the number of good answers, and ends the process.
-- luacheck: globals ngx
local decode = require("cjson").decode

local scheme, host, port, path = os.getenv("BENCH_URL"):match("^(https?)://([^:/]+):(%d+)(/.*)$")
local total, concurrency = tonumber(os.getenv "BENCH_TOTAL"), tonumber(os.getenv "BENCH_CONCURRENCY")
local head = ("GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n"):format(path, host, port)
local pool = { pool_size = concurrency }
local started, ok = 0, 0

local function connected()
  local socket = ngx.socket.tcp()
  assert(socket:connect(host, tonumber(port), pool))
  if scheme == "https" and socket:getreusedtimes() == 0 then
    assert(socket:sslhandshake(nil, "localhost", true)) -- it cannot verify addresses
  end
  return socket
end

local function get()
  local socket = connected()
  assert(socket:send(head))
  local status = assert(socket:receive()):match("^HTTP/1.1 (%d+)")
  local length
  for line in function() return assert(socket:receive()) end do
    if line == "" then break end
    local name, value = line:match("^([^:]+):%s*(.*)$")
    if name:lower() == "content-length" then length = tonumber(value) end
  end
  local body = assert(socket:receive(length))
  socket:setkeepalive(60000, concurrency)
  return status == "200" and decode(body)
end

local function work()
  while started < total do
    started = started + 1
    if get() then ok = ok + 1 end
  end
end

ngx.timer.at(0, function()
  local threads = {}
  for i = 1, concurrency do threads[i] = ngx.thread.spawn(work) end
  for _, thread in ipairs(threads) do ngx.thread.wait(thread) end
  io.stdout:write("ok=" .. ok .. "\n")
  io.stdout:flush()
  os.exit(ok == total and 0 or 1)
end)
