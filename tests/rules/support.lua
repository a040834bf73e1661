--- What the specs of the collect calls share: sources, and looks at what was raised and when.
local aggr = require "aggr"

local support = {}

--- A source that gives `value` after so many seconds.
function support.after(seconds, value)
  return function()
    aggr.sleep(seconds)
    return value
  end
end

--- A source that fails after so many seconds.
function support.failing(seconds, what)
  return function()
    aggr.sleep(seconds)
    error(what or "boom", 0)
  end
end

--- The Error that fn(...) raises.
function support.raised(fn, ...)
  local _, err = aggr.try(fn, ...)
  assert(err, "nothing was raised")
  return err
end

--- fn(...) must raise kind usage with this in its message.
function support.usage(message, fn, ...)
  local err = support.raised(fn, ...)
  assert(err.kind == "usage", tostring(err))
  assert(err.message:find(message, 1, true), err.message)
end

--- How long fn(...) takes.
function support.elapsed(fn, ...)
  local before = aggr.now()
  fn(...)
  return aggr.now() - before
end

--- Runs fn(...) beside a task that counts its turns. Returns the turns, and what aggr.try gives.
function support.beside(fn, ...)
  local turns, done, result, err = 0, false, nil, nil
  local arguments = { ... }
  aggr.group(function(g)
    g:spawn(function()
      while not done do
        aggr.sleep(0)
        turns = turns + 1
      end
    end)
    result, err = aggr.try(fn, unpack(arguments))
    done = true
  end)
  return turns, result, err
end

function support.near(expected, actual)
  assert(math.abs(expected - actual) < 1e-6, ("expected %g, got %g"):format(expected, actual))
end

--- A function(n) that gives whole numbers from 0 to n - 1, by chance, but the same ones every time.
---@param seed integer
---@return fun(n: integer): integer
function support.chance(seed)
  return function(n)
    seed = (seed * 16807) % 2147483647
    return seed % n
  end
end

return support
