--- Random trees of tasks and scopes, run here and by the model (model.py: Python's trio), must leave
--- the same traces. AGGR_SEED=n runs that tree alone, AGGR_SEEDS=n so many from 1 on.
local aggr = require "aggr"

local HERE = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "tests/rules"
local TOLERANCE_S = 1e-6
local SEEDS = os.getenv "AGGR_TEST_GC" and 30 or 300

local Run = {}
Run.__index = Run

local function text(err)
  local label = err.kind == "script" and tostring(err.value) or err.kind
  if not err.suppressed then return label end
  local inner = {}
  for i, other in ipairs(err.suppressed) do inner[i] = text(other) end
  return label .. "[" .. table.concat(inner, ",") .. "]"
end

function Run:log(task, label)
  self.trace[task] = self.trace[task] or {}
  table.insert(self.trace[task], { aggr.now() - self.zero, label })
end

function Run:steps(task, groups, steps)
  for _, step in ipairs(steps) do self[step.op](self, task, groups, step) end
end

function Run:sleep(task, _, step)
  aggr.sleep(step.t)
  self:log(task, "slept" .. step.n)
end

function Run.error(_, _, _, step)
  error("e" .. step.n, 0)
end

function Run:defer(task, groups, step)
  aggr.defer(function()
    self:log(task, "defer" .. step.n)
    self:steps(task, groups, step.body)
  end)
end

function Run:spawn(_, groups, step)
  self.tasks[step.task] = groups[step.group]:spawn(function()
    self:log(step.task, "start")
    aggr.defer(function() self:log(step.task, "end") end)
    self:steps(step.task, groups, step.body)
  end)
end

function Run.cancel_group(_, _, groups, step)
  groups[step.group]:cancel()
end

function Run:cancel_task(_, _, step)
  local target = self.tasks[step.task]
  if target then target:cancel() end
end

function Run:attempt(task, groups, step)
  local _, err = aggr.try(self.steps, self, task, groups, step.body)
  if err then
    self:log(task, "caught" .. step.n .. " " .. text(err))
  else
    self:log(task, "tried" .. step.n)
  end
end

function Run:deadline(task, groups, step)
  aggr.deadline(step.t, self.steps, self, task, groups, step.body)
  self:log(task, "deadline" .. step.n)
end

function Run:shield(task, groups, step)
  aggr.shield(step.t, self.steps, self, task, groups, step.body)
  self:log(task, "shield" .. step.n)
end

function Run:group(task, groups, step)
  aggr.group(function(g)
    local inner = setmetatable({ [step.n] = g }, { __index = groups })
    self:steps(task, inner, step.body)
  end)
  self:log(task, "group" .. step.n)
end

--- The traces of a tree: by task, a list of { time, label }; the last one is its state.
local function traces_of(tree)
  local run = setmetatable({ zero = aggr.now(), trace = {}, tasks = {} }, Run)
  run:log(1, "start")
  local _, err = aggr.try(aggr.group, function()
    aggr.defer(function() run:log(1, "end") end)
    run:steps(1, {}, tree)
  end)
  table.insert(run.trace[1], { 0, err and "error " .. text(err) or "ok" })
  for number, task in pairs(run.tasks) do
    local state = task.state
    if state == "error" then state = "error " .. text(task.error):match("^[^%[]*") end
    table.insert(run.trace[number], { 0, state })
  end
  return run.trace
end

local function shown(entry)
  return entry and ("%.9f %s"):format(entry[1], entry[2]) or "nothing"
end

local function differ(x, y)
  return not x or not y or x[2] ~= y[2] or math.abs(x[1] - y[1]) > TOLERANCE_S
end

--- The earliest difference of two traces, or nil.
local function difference(ours, theirs)
  local earliest, found = math.huge, nil
  for task = 1, 60 do
    local a, b = ours[task] or {}, theirs[task] or {}
    for i = 1, math.max(#a, #b) do
      local x, y = a[i], b[i]
      if differ(x, y) then
        local at = math.min(x and x[1] or math.huge, y and y[1] or math.huge)
        if at < earliest then
          earliest = at
          found = ("task %d, event %d: %s here, %s in the model"):format(task, i, shown(x), shown(y))
        end
        break
      end
    end
  end
  return found
end

local function model_lines(first, count)
  local command = ("timeout 60 /usr/bin/python3 -B -W ignore %s/model.py %d %d 2>&1"):format(HERE, first, count)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

describe("random trees of tasks and scopes", function()
  it("leave the same traces as in an independent model", function()
    local alone = tonumber(os.getenv("AGGR_SEED"))
    local count = alone and 1 or tonumber(os.getenv("AGGR_SEEDS")) or SEEDS
    local lines = model_lines(alone or 1, count)
    assert.equal(count, #lines, "the model stopped: " .. tostring(lines[#lines]))
    local events, ties = 0, 0
    for _, line in ipairs(lines) do
      local case = assert(loadstring(line))()
      local trace = traces_of(case.tree)
      local found = case.tie == 0 and difference(trace, case.trace) or nil
      assert.is_nil(found, ("seed %d: %s"):format(case.seed, found or ""))
      for _, list in pairs(trace) do events = events + #list end
      ties = ties + case.tie
    end
    assert.is_true(ties <= count / 10, "too many trees have ties")
    assert.is_true(alone ~= nil or events > 20 * count, "the trees have too few events to mean anything")
  end)
end)
