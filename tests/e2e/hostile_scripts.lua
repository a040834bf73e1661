--- Scripts that never end, and that nothing Lua has for it can leave, by name.
return {
  ["a loop of nothing"] = "while true do end",
  ["a loop over numbers"] = "local n = 0 while true do n = n + 1 end",
  ["a pcall loop"] = "while true do pcall(error) end",
  ["a loop in a pcall in a loop"] = "while true do pcall(function() while true do end end) end",
  ["a loop in an xpcall handler"] = "while true do xpcall(error, function() while true do end end) end",
  ["a loop in a coroutine"] = "while true do coroutine.wrap(function() while true do end end)() end",
  ["a coroutine in a pcall in a coroutine"] =
    "local function f() while true do pcall(coroutine.wrap(f)) end end f()",
  ["recursion"] =
    "local function f(n) return n < 2 and 1 or f(n - 1) + f(n - 2) end while true do f(30) end",
  ["tail calls"] = "local function f() return f() end f()",
  ["texts"] = "local s = '' while true do s = s .. 'x' if #s > 1e4 then s = '' end end",
  ["tables"] = "while true do local t = {} for i = 1, 100 do t[i] = { i } end end",
  ["metamethods that overflow the stack"] = [[
    local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end })
    while true do pcall(function() return t[1] end) end]],
  ["sorting"] = [[
    while true do
      local t = {}
      for i = 1, 1000 do t[i] = i % 7 end
      table.sort(t, function(a, b) return a < b end)
    end]],
  ["gsub with a function"] = "while true do (('a'):rep(100)):gsub('.', function(c) return c .. c end) end",
  ["load"] = "while true do load('local x = 1 return x')() end",
  ["an endless deferred function"] = "aggr.defer(function() while true do end end) while true do end",
}
