--- check.options: names of options that the called function does not have.
local calls = require "check.calls"
local library = require "aggr.options"
local value = require "check.value"

local check = {}

local HINT = "the run would stop here with kind usage"

--- `also` is a name that is right although it is no option.
local function names(file, node, declared, what, also)
  local made = node and value.table(node)
  for _, item in ipairs(made or {}) do
    local key = item.tag == "Pair" and item[1]
    if key and key.tag == "String" and key[1] ~= also then
      local name = key[1]
      if declared.known[name] == nil then
        file:add("unknown-option", key.line, file:column(key), declared.unknown(name, declared.known, what), HINT)
      elseif library.of[name] and not library.of[name].at then
        names(file, item[2], library.of[name], what .. ": " .. name)
      end
    end
  end
end

local function sources(file, call)
  for _, source in ipairs(value.entries(call.args[1]) or {}) do
    names(file, source, library.of["aggr.fetch"], call.name .. ": source", "url")
  end
end

---@param file aggr.CheckFile
function check.check(file)
  for _, node in ipairs(file.tree.calls) do
    local call = calls.of(node)
    if call then
      local declared = library.of[call.name]
      if declared and declared.at then names(file, calls.options(call), declared, call.what) end
      if calls.is_request(call) then names(file, call.args[1], library.of["aggr.fetch"], call.what, "url") end
      if calls.has_sources(call) and call.args[1] then sources(file, call) end
    end
  end
end

return check
