--- Scripts without an end, whose calls may wait but never have to: two of them were deaf to --deadline and SIGINT.
local support = require "e2e.support"

local ENDLESS = {
  ["a sleep of 0"] = "while true do aggr.sleep(0) end",
  ["a sleep of 0 in every task"] = [[
    aggr.group(function(g)
      for _ = 1, 3 do g:spawn(function() while true do aggr.sleep(0) end end) end
    end)]],
  ["a recursion of aggr.all"] = [[
    local function busy() while true do aggr.all { function() aggr.sleep(0) end } end end
    local function down(n) return aggr.all { busy, function() return n == 0 and busy() or down(n - 1) end } end
    return down(50)]],
  ["a group of no tasks"] = "while true do aggr.group(function() end) end",
  ["a group of short tasks"] = "while true do aggr.group(function(g) g:spawn(type, 1) end) end",
  ["caught errors"] = "while true do pcall(aggr.all, { function() error 'x' end }, { need = true }) end",
  ["a channel that is never full"] = "local c = aggr.channel(1) while true do c:send(1) c:recv() end",
  ["a task that has ended"] = [[
    aggr.group(function(g)
      local task = g:spawn(type, 1)
      while true do task:wait() end
    end)]],
  ["a transport of the script's own"] = [[
    local api = aggr.client { base = "http://127.0.0.1:1", transport = function() return { status = 200 } end }
    while true do api:get "/" end]],
}

describe("an endless script ends:", function()
  for name, code in pairs(ENDLESS) do
    it(name .. ", at --deadline", function()
      local result = support.aggr({ "run", "--deadline", "0.1", "-e", code }, { limit = 10 })
      assert.equal(6, result.code, result.err)
    end)

    it(name .. ", at SIGINT", function()
      local running = support.start({ "run", "-e", 'io.write "ready" io.stdout:flush() aggr.sleep(0) ' .. code },
        { stdout = support.PIPE })
      assert.equal("ready", running:read(5))
      running:signal "INT"
      assert.equal(130, running:finish(10).code)
    end)
  end
end)
