-- guard.lua: CPU time of work that makes no requests, in ms, the best of ROUNDS for each.
--
--   aggr run --format raw guard.lua ROUNDS
--
-- Gives name=ms for each piece: numeric code that is compiled well, tables, texts.
local aggr = require "aggr"

local rounds = tonumber((...))

local work = {}

function work.mandelbrot()
  local n = 0
  for y = 0, 199 do
    for x = 0, 199 do
      local cr, ci, zr, zi, i = x / 100 - 1.5, y / 100 - 1, 0, 0, 0
      while i < 100 and zr * zr + zi * zi < 4 do
        zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci
        i = i + 1
      end
      n = n + i
    end
  end
  return n
end

function work.sieve()
  local prime = {}
  for i = 2, 300000 do prime[i] = true end
  for i = 2, 548 do
    if prime[i] then
      for j = i * i, 300000, i do prime[j] = false end
    end
  end
end

function work.recursion()
  local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
  return fib(27)
end

function work.matrix()
  local n, a, b, c = 90, {}, {}, {}
  for i = 1, n do
    a[i], b[i], c[i] = {}, {}, {}
    for j = 1, n do a[i][j], b[i][j] = i + j, i - j end
  end
  for i = 1, n do
    for j = 1, n do
      local sum = 0
      for k = 1, n do sum = sum + a[i][k] * b[k][j] end
      c[i][j] = sum
    end
  end
  return c
end

function work.texts()
  local parts = {}
  for i = 1, 30000 do parts[i] = ("k%d:%s"):format(i, tostring(i * 3)) end
  local n = 0
  for word in table.concat(parts, ","):gmatch("[^,]+") do n = n + #word end
  return n
end

function work.tables()
  local n = 0
  for i = 1, 40000 do
    local record = { id = i, name = "n" .. i % 100, list = { 1, 2, 3 } }
    n = n + record.id + #record.list + #record.name
  end
  return n
end

function work.sort()
  local list = {}
  for i = 1, 20000 do list[i] = (i * 7919) % 20011 end
  table.sort(list, function(a, b) return a < b end)
end

local names = {}
for name in pairs(work) do names[#names + 1] = name end
table.sort(names)
local out = {}
for _, name in ipairs(names) do
  local best = math.huge
  for _ = 1, rounds do
    local began = os.clock()
    work[name]()
    best = math.min(best, os.clock() - began)
    aggr.sleep(0)
  end
  out[#out + 1] = ("%s=%.4f"):format(name, best * 1e3)
end
return table.concat(out, " ") .. "\n"
