--- prelude.strings: the methods of strings, which scripts and library share. They stay what they are when a
--- script changes its table `string`; what it adds there is a method as well.
--
-- Of their metatable scripts see a stand-in: operators that they set there work, what the library needs stays.
local errors = require "aggr.errors"

local strings = {}

local NEEDED = { __index = true, __tostring = true, __metatable = true }

local function stand_in(meta, library)
  return setmetatable({}, {
    __index = function(_, name)
      if name == "__index" then return library end
      return meta[name]
    end,
    __newindex = function(_, name, value)
      if NEEDED[name] then
        errors.usage(1, "the runtime needs %s of strings (a function in the table 'string' is a method of all)", name)
      end
      meta[name] = value
    end,
  })
end

function strings.install(script)
  local meta, methods = getmetatable(""), {}
  for name, method in pairs(script.string) do methods[name] = method end
  meta.__index = setmetatable(methods, { __index = script.string })
  meta.__metatable = stand_in(meta, script.string)
end

return strings
