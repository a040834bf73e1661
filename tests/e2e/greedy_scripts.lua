--- Scripts that take more and more memory, by name, until something stops them.
return {
  ["a table of tables"] = "local t = {} for i = 1, 1e9 do t[i] = { i } end",
  ["a table of numbers"] = "local t = {} for i = 1, 1e9 do t[i] = i end",
  ["keys"] = "local t = {} for i = 1, 1e9 do t['k' .. i] = true end",
  ["texts"] = "local t = {} while true do t[#t + 1] = #t .. ('y'):rep(100) end",
  ["one text, twice as long each time"] = "local s = 'xyz' while true do s = s .. s end",
  ["one text, a bit longer each time"] = "local t, s = {}, '' while true do s = s .. 'x' t[#t + 1] = s end",
  ["one long text at once"] = "return ('x'):rep(1e9)",
  ["one long text at once, in a compiled loop"] =
    "local n = 0 for i = 1, 1000 do n = n + #('x'):rep(i > 500 and 1e9 or 10) end",
  ["functions"] = "local t = {} while true do local i = #t t[i + 1] = function() return i end end",
  ["coroutines"] = [[
    local t = {}
    while true do
      t[#t + 1] = coroutine.wrap(function() coroutine.yield() end)
      t[#t]()
    end]],
  ["a coroutine that does it"] = "coroutine.wrap(function() local t = {} while true do t[#t + 1] = {} end end)()",
  ["a loop of pcall"] = [[
    local t = {}
    while true do
      pcall(function() for i = 1, 100 do t[#t + 1] = { i } end end)
      pcall(string.rep, "x", 1e9)
    end]],
  ["a loop of xpcall"] = [[
    local t = {}
    while true do xpcall(function() for i = 1, 100 do t[#t + 1] = { i } end end, function() return {} end) end]],
  ["gsub with a text"] = "local s = 'x' while true do s = s:gsub('.', '%0%0') end",
  ["gsub with a function"] =
    "local t = {} while true do (('a'):rep(100)):gsub('.', function(c) t[#t + 1] = { c } end) end",
  ["table.concat"] = [[
    local t = {}
    while true do
      for _ = 1, 1000 do t[#t + 1] = '0123456789' end
      t[#t + 1] = table.concat(t)
    end]],
  ["sorting"] = [[
    local t, kept = { 3, 2, 1, 4, 6, 5 }, {}
    while true do
      table.sort(t, function(a, b) kept[#kept + 1] = { a } return a < b end)
    end]],
  ["JSON"] = "local t = {} while true do t[#t + 1] = aggr.json.decode(('[1,[2,3]]')) end",
}
