--- aggr.stall: tasks that have kept the loop for too long, told of once each and kept for the envelope.
--
-- The watchdog (task/watchdog.h) calls `ended` when the task has left the loop, and `waited` after the
-- next turn, when it is known which requests were delayed.
local core = require "aggr.core.task"
local json = require "aggr.json"
local log = require "aggr.log"
local mask = require "aggr.mask"
local tail = require "aggr.tail"
local task = require "aggr.task"

local stall = {}

local MOST_KEPT, MOST_TOLD = 100, 3 -- in all; of one place on stderr
local LONGEST_URL, URLS_TOLD = 200, 3

--- What was told of a stall: also an entry of the envelope's `run.stalls`.
---@class aggr.Stall
---@field where string?       "file:line" in the script; nil: the run's own work
---@field fn string?          the function that the line called, or that it is in
---@field seconds number
---@field cause "cpu"|"blocked"
---@field mostly boolean?     it was at other places too
---@field killed boolean?
---@field delayed integer     requests that have waited for it
---@field requests string[]   the URLs of the first of them

local told_above = 0   -- seconds
local fresh = {}       -- ended since the last turn
local kept, left_out = {}, 0
local longest
local main, script     -- the main task, and the function of the script's that it runs
local places = {}      -- by text: { count =, longest = }, and in order

--- Stalls above so many seconds are told of on stderr; nil: none.
---@param seconds number?
function stall.configure(seconds)
  told_above = seconds or math.huge
end

--- The running task is the main task from now on, and runs this function.
---@param fn function
function stall.run(fn)
  main, script = core.self(), fn
end

local BLOCKING = {
  ["os.execute"] = "aggr.exec runs a program without blocking",
  ["io.popen"] = "aggr.exec runs a program without blocking",
  ["file:read"] = "aggr.read and aggr.lines don't block, nor does aggr.exec",
  ["file:lines"] = "aggr.lines doesn't block, nor does aggr.exec",
  ["io.read"] = "aggr.lines(\"-\") doesn't block",
  ["io.lines"] = "aggr.lines doesn't block",
  ["io.open"] = "aggr.read and aggr.write don't block",
  ["file:write"] = "aggr.write doesn't block",
  ["file:close"] = "aggr.write doesn't block, nor does aggr.exec",
}

local PATTERNS = { ["string.find"] = true, ["string.match"] = true, ["string.gmatch"] = true, ["string.gsub"] = true }

local function hint_of(record)
  if BLOCKING[record.fn] then return BLOCKING[record.fn] end
  if not record.where then return nil end
  if record.fn == "an iterator" and record.cause == "blocked" then return BLOCKING["file:lines"] end
  if PATTERNS[record.fn] then
    return "a pattern with several of * + - may try every split: anchor it, or search for plain text"
  end
  if record.cause == "cpu" then
    return "aggr.work runs it off the loop; aggr.sleep(0) lets the others run in between"
  end
  return "aggr.work runs it off the loop"
end

--- "812 ms", "12.3 s"
local function span(seconds)
  if seconds < 10 then return ("%d ms"):format(seconds * 1000 + 0.5) end
  return ("%.1f s"):format(seconds)
end

local function requests(record)
  local n = record.delayed
  if n == 0 then return "" end
  local names = {}
  for i = 1, math.min(n, URLS_TOLD) do names[i] = record.requests[i] end
  if n > URLS_TOLD then names[#names + 1] = ("%d more"):format(n - URLS_TOLD) end
  return ("; %d request%s waited: %s"):format(n, n == 1 and "" or "s", table.concat(names, ", "))
end

--- pipeline.lua:31: blocked the loop for 812 ms in os.execute
---@param record aggr.Stall
---@return string
function stall.text(record)
  local verb = record.cause == "cpu" and "kept the loop busy for" or "blocked the loop for"
  local mostly = record.mostly and (record.fn and ", mostly" or ", mostly here") or ""
  local fn = mostly .. (record.fn and " in " .. record.fn or "")
  return ("%s: %s %s%s%s"):format(record.where or "the run itself", verb, span(record.seconds), fn,
    record.killed and ", then was killed" or "")
end

local function tell(record)
  if log.is_json() then
    log.warn(stall.text(record), { event = "stall", where = record.where, fn = record.fn, cause = record.cause,
      seconds = record.seconds, delayed = record.delayed, requests = record.requests })
    return
  end
  local hint = hint_of(record)
  log.warn(stall.text(record) .. requests(record) .. (hint and "\nhint: " .. hint or ""))
end

local function count_place(record)
  local name = tostring(record.where)
  local place = places[name]
  if not place then
    place = { where = record.where or "the run itself", count = 0, longest = 0 }
    places[name] = place
    places[#places + 1] = place
  end
  place.count = place.count + 1
  place.longest = math.max(place.longest, record.seconds)
  return place.count
end

--- The place of a task that has left no line of the script on its stack (a tail call), or that could not be
--- asked in time: what is known of the function that it runs.
local function place_of(me, called)
  local body = tail.body(me)
  local fn = body and body.fn or called and me == main and script
  if not fn then return task.place(me) end
  local info = debug.getinfo(fn, "S")
  return tail.place(fn) or info.source:match("^[@=](.*)") or info.short_src
end

--- A task's slice was a stall.
---@param me table the task
---@param found table the fields of an aggr.Stall, as far as they are known
function stall.ended(me, found)
  if found.fn == "" then found.fn = nil end
  if found.where == "" then found.where = place_of(me, found.fn) end
  found.killed, found.mostly = found.killed or nil, found.mostly or nil
  fresh[#fresh + 1] = found
end

--- The turn that follows: `count` requests had waited.
---@param count integer
---@param urls string[]
function stall.waited(count, urls)
  local shown = json.array {}
  for i, url in ipairs(urls) do shown[i] = mask.short(url, LONGEST_URL) end
  local records = fresh
  fresh = {}
  for _, record in ipairs(records) do
    record.delayed, record.requests = count, shown
    if not longest or record.seconds > longest.seconds then longest = record end
    if #kept < MOST_KEPT then kept[#kept + 1] = record else left_out = left_out + 1 end
    if record.seconds > told_above and count_place(record) <= MOST_TOLD then tell(record) end
  end
end

--- One has ended, and it is not yet known what has waited for it.
---@return boolean
function stall.is_pending()
  return #fresh > 0
end

--- What was not told one by one.
function stall.summary()
  for _, place in ipairs(places) do
    local more = place.count - MOST_TOLD
    if more > 0 then
      log.warn(("%s: %d more stall%s there, of all the longest took %s"):format(place.where, more,
        more == 1 and "" or "s", span(place.longest)), log.is_json() and
        { event = "stalls", where = place.where, count = place.count, seconds = place.longest } or nil)
    end
  end
end

--- The longest stall, when it was longer than so many seconds.
---@param seconds number
---@return aggr.Stall?
function stall.over(seconds)
  return longest and longest.seconds > seconds and longest or nil
end

--- For the envelope: the first hundred, and how many more there were.
---@return aggr.Stall[], integer
function stall.list()
  return kept, left_out
end

return stall
