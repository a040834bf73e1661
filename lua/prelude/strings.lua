--- prelude.strings: the methods of strings, which scripts and library share. They stay what they are when a
--- script changes its table `string`; what it adds there is a method as well.
local strings = {}

function strings.install(script)
  local methods = {}
  for name, method in pairs(script.string) do methods[name] = method end
  getmetatable("").__index = setmetatable(methods, { __index = script.string })
end

return strings
