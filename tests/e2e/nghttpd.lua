--- nghttpd, which speaks HTTP/2 and nothing else, for the specs of a describe block.
local posix = require "e2e.posix"
local process = require "e2e.process"
local support = require "e2e.support"

local nghttpd = {}
nghttpd.__index = nghttpd

--- Serves these files by name: { base = "https://localhost:…", ca = "…/ca.pem" }, without `tls` http://. Stop it with
--- `:stop()`.
function nghttpd.start(files, tls)
  local port, certs = posix.free_port(), support.fixture().certs
  local root = ("%s/nghttpd-%d"):format(support.folder(), port)
  os.execute("mkdir -p " .. root)
  for name, content in pairs(files) do
    local file = assert(io.open(root .. "/" .. name, "wb"))
    file:write(content)
    file:close()
  end
  local argv = { "nghttpd", "-d", root }
  if not tls then argv[#argv + 1] = "--no-tls" end
  argv[#argv + 1] = tostring(port)
  if tls then argv[#argv + 1], argv[#argv + 2] = certs .. "/good.key", certs .. "/good.pem" end
  local self = { process = process.start(argv), ca = certs .. "/ca.pem" }
  assert(posix.await_listener(port, 10 * support.slow), "nghttpd does not start")
  self.base = (tls and "https" or "http") .. "://localhost:" .. port
  return setmetatable(self, nghttpd)
end

function nghttpd:stop()
  self.process:signal("TERM")
  self.process:wait(5)
end

return nghttpd
