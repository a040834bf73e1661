-- What aggr makes of the cases: `aggr run client.lua CASES PORT TIMEOUT`. CASES has a line "METHOD" per case.
-- Prints a line per case: see clients.py. Each case has a host name of its own, so that a connection it
-- leaves behind is used again by its own probe only.
local aggr = require "aggr"

local cases_path, port, timeout = aggr.args[1], aggr.args[2], tonumber(aggr.args[3])

local HEX = {}
for byte = 0, 255 do HEX[string.char(byte)] = ("%02x"):format(byte) end

local function hex(bytes)
  return (bytes:gsub(".", HEX))
end

local function fields_of(res)
  local lines = {}
  for name, value in pairs(res.headers) do lines[#lines + 1] = ("%s: %s\n"):format(name, value) end
  table.sort(lines)
  return table.concat(lines)
end

local function verdict(number, res, err)
  if res then return { number, "accept", res.status, hex(fields_of(res)), hex(res.body) } end
  return { number, err.kind == "timeout" and "hang" or "reject", err.kind .. " " .. err.phase, err.message }
end

local cases, resolve = {}, {}
for method in aggr.lines(cases_path) do
  cases[#cases + 1] = method
  resolve[("case%d.test"):format(#cases)] = "127.0.0.1"
end

local client = aggr.client { resolve = resolve, timeout = timeout, expect = "any", redirects = 0 }

local function ask(method, number, path)
  local url = ("http://case%d.test:%s/%s/%d"):format(number, port, path, number)
  return aggr.try(client.fetch, client, url, { method = method })
end

aggr.map(cases, function(method, number)
  aggr.emit(verdict(number, ask(method, number, "case")))
  local probe, err = ask("GET", number, "probe")
  if not probe or probe.body ~= "probe" then
    aggr.emit { number, "probe", probe and hex(probe.body) or tostring(err) }
  end
end, { limit = 64 })
