--- aggr.began: has the script done any input or output yet? What people set must be known before.
---@class aggr.Began
---@field call string? the name of such a call
local began = {}

return began
