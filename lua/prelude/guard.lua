--- prelude.guard: the names by which reports of stalls call the functions that scripts use.
local core = require "aggr.core.guard"

local guard = {}

local LIBRARIES = { "string", "table", "math", "io", "os", "debug", "package", "bit", "jit", "coroutine" }

local alive = {} -- luacheck: ignore (a function's name must not become another's)

--- Name the functions of a table.
---@param prefix string
---@param library table
function guard.learn(prefix, library)
  for name, value in pairs(library) do
    if type(name) == "string" and type(value) == "function" then
      alive[value] = true
      core.name(value, prefix .. name)
    end
  end
end

function guard.install(script)
  for _, globals in ipairs { script, _G } do
    for _, name in ipairs(LIBRARIES) do guard.learn(name .. ".", globals[name]) end
    guard.learn("", globals)
  end
  guard.learn("file:", getmetatable(io.stdout).__index)
end

return guard
