-- json_pick.lua FOLDER ROUNDS NAME...: for a list of so many FOLDER/NAME.json that they are 100 MB, picks
-- the last one's first item (of posts: their last member). Prints NAME_pick=GB/s NAME_copy=GB/s (memcpy of
-- it) NAME_held=ms (the longest that another task waited) NAME_kib=KiB (what Lua's memory grew by). And of
-- values behind each other, lines_values and lines_decode=MB/s: json.values, and json.decode line by line.
-- CPU time, the best of the rounds. Wants ffi.
local aggr = require "aggr"
local ffi = require "ffi"

local BYTES, LINES_BYTES = 1e8, 4e6
local folder, rounds = arg[1], tonumber(arg[2])

local function read(name)
  local file = assert(io.open(("%s/%s.json"):format(folder, name), "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

--- The least CPU seconds that fn takes.
local function best(fn)
  local least = math.huge
  for _ = 1, rounds do
    collectgarbage()
    local began = os.clock()
    fn()
    least = math.min(least, os.clock() - began)
  end
  return least
end

--- The longest that a task waits for its turn while fn runs, in ms.
local function held(fn)
  local longest, done = 0, false
  aggr.group(function(g)
    g:spawn(function()
      local last = os.clock()
      while not done do
        aggr.sleep(0)
        local now = os.clock()
        longest, last = math.max(longest, now - last), now
      end
    end)
    aggr.sleep(0)
    fn()
    done = true
  end)
  return longest * 1e3
end

local words = {}

local function tell(name, value) words[#words + 1] = ("%s=%.3f"):format(name, value) end

for i = 3, #arg do
  local name, item = arg[i], read(arg[i])
  local count = math.ceil(BYTES / #item)
  local text = "[" .. (item .. ","):rep(count - 1) .. item .. "]"
  local path = ("/%d/%s"):format(count - 1, name == "posts" and "search_metadata" or "0")
  local function pick() assert(aggr.json.pick(text, path) ~= nil) end
  tell(name .. "_pick", #text / best(pick) / 1e9)
  local copy = ffi.new("char[?]", #text)
  tell(name .. "_copy", #text / best(function() ffi.copy(copy, text, #text) end) / 1e9)
  copy = nil -- luacheck: ignore (so that it can be collected)
  local longest = math.huge
  for _ = 1, rounds do longest = math.min(longest, held(pick)) end
  tell(name .. "_held", longest)
  collectgarbage()
  collectgarbage "stop"
  local before = collectgarbage "count"
  pick()
  tell(name .. "_kib", collectgarbage "count" - before)
  collectgarbage "restart"
end

local lines = {}
for item in read "records":gmatch "{[^{}]*}" do lines[#lines + 1] = item end
local many = {}
repeat many[#many + 1] = table.concat(lines, "\n") .. "\n" until #many * #many[1] >= LINES_BYTES
local text = table.concat(many)

--- Pieces as they come from a socket.
local function pieces()
  local at = 1
  return function()
    at = at + 65536
    return at - 65536 <= #text and text:sub(at - 65536, at - 1) or nil
  end
end

tell("lines_values", #text / 1e6 / best(function()
  for value in aggr.json.values(pieces()) do assert(value) end
end))
tell("lines_decode", #text / 1e6 / best(function()
  for line in text:gmatch "[^\n]+" do assert(aggr.json.decode(line)) end
end))
return table.concat(words, " ") .. "\n"
