--- Many, deep, and ill-behaved: what scripts do to tasks and scopes at the edges of the rules.
local aggr = require "aggr"
local testing = require "aggr.testing"

local function error_of(fn)
  local ok, err = pcall(aggr.group, function(g) g:spawn(fn) end)
  assert.is_false(ok)
  return err
end

describe("R1: many and deep", function()
  it("R1: 100,000 tasks in one group", function()
    local ended = 0
    aggr.group(function(g)
      for _ = 1, 100000 do
        g:spawn(function()
          aggr.sleep(1)
          ended = ended + 1
        end)
      end
    end)
    assert.equal(100000, ended)
  end)

  it("R12: a deadline reaches through 200 groups in one task and 2,000 in tasks of tasks", function()
    local function in_one_task(depth)
      if depth == 0 then return aggr.sleep(1) end
      aggr.group(function() in_one_task(depth - 1) end)
    end
    local function in_tasks(depth)
      if depth == 0 then return aggr.sleep(1) end
      aggr.group(function(g) g:spawn(in_tasks, depth - 1) end)
    end
    in_one_task(200)
    in_tasks(2000)
    for fn, depth in pairs { [in_one_task] = 200, [in_tasks] = 2000 } do
      local ok, err = pcall(aggr.deadline, 0.5, fn, depth)
      assert.is_false(ok)
      assert.equal("deadline", err.kind)
    end
  end)
end)

describe("R5: odd errors", function()
  it("R5: a stack overflow is an error like others", function()
    local function forever() return 1 + forever() end
    local err = error_of(forever)
    assert.equal("script", err.kind)
    assert.matches("stack overflow", err.message, 1, true)
  end)

  it("R5: a value whose __tostring fails or waits is kept as it is", function()
    for _, show in ipairs { function() error("no") end, function() aggr.sleep(1) end, function() return {} end } do
      local value = setmetatable({}, { __tostring = show })
      local err = error_of(function() error(value) end)
      assert.equal("script", err.kind)
      assert.equal(value, err.value)
      assert.is_string(tostring(err))
    end
  end)
end)

describe("R19: odd defers", function()
  it("R19: inside a user coroutine they belong to the task; a kill runs them innermost first", function()
    local trace = {}
    pcall(aggr.group, function(g)
      local task = g:spawn(function()
        coroutine.wrap(function()
          aggr.defer(function() trace[#trace + 1] = "task" end)
          aggr.deadline(100, function()
            aggr.defer(function()
              aggr.sleep(1)
              trace[#trace + 1] = "deadline"
            end)
            aggr.sleep(50)
          end)
        end)()
      end)
      aggr.sleep(1)
      testing.kill(task)
    end)
    assert.same({ "deadline", "task" }, trace)
  end)
end)

describe("a finalizer", function()
  it("may not open scopes, and harms nothing by trying", function()
    local refused
    do
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = function() refused = not pcall(aggr.group, function() end) end
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(refused)
    aggr.sleep(0)
  end)
end)

describe("a run", function()
  it("gives main's integer, and 70 with the text of its error after its defers", function()
    assert.equal(5, (testing.run("return 5")))
    local code, text, notes = testing.run([[
      local note = ...
      require("aggr").defer(function() note "deferred" end)
      error("top")
    ]])
    assert.equal(70, code)
    assert.equal("inner:3: script: top", text)
    assert.equal("deferred", notes)
  end)

  it("R27: ends with an error when main waits for ever", function()
    local code, text = testing.run([[require("aggr").channel(1):recv()]])
    assert.equal(70, code)
    assert.matches("nothing is pending: inner:1: wait", text, 1, true)
  end)

  it("tells its tracer of each task and scope by an id of its own, from beginning to end", function()
    local _, _, _, events = testing.run [[
      local aggr = require "aggr"
      aggr.group(function(g)
        g:spawn(aggr.sleep, 1)
        g:spawn(aggr.deadline, 5, aggr.sleep, 2)
      end)
    ]]
    local letters, used = {}, 0
    local told = events:gsub("(%a+) (%d+)", function(event, id)
      local kind = (event == "open" or event == "close") and "scope" or "task"
      local key = kind .. id
      if not letters[key] then
        used = used + 1
        letters[key] = string.char(96 + used)
      end
      return event .. " " .. letters[key]
    end)
    assert.equal("enter a open b leave a " -- main and its group
      .. "enter c leave c enter d open e leave d " -- the tasks; e is the deadline's scope
      .. "enter c leave c end c enter d close e leave d end d "
      .. "enter a close b leave a end a ", told)
  end)
end)
