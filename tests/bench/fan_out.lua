-- fan_out.lua: twenty answers of 900 ms, LIMIT at a time.
local aggr = require "aggr"

local base, limit = ...
local sources = {}
for i = 1, 20 do
  sources[i] = base .. "/delay/api" .. i .. "?ms=900"
end
local client = aggr.client { proxy = false }
local data, report = aggr.all(sources, { client = client, limit = tonumber(limit) })
return data, report
