--- What `aggr check` finds in a text, on the fake core: `check "code"` -> { "code line:column", … }.
local core = require "lua.support.core"

local check = {}

--- The findings of one text, or of several files: { name = text }.
function check.findings(given)
  core.reset()
  for name in pairs(package.loaded) do
    if name:find("^check%.") or name:find("^luacheck%.") then package.loaded[name] = nil end
  end
  package.loaded["aggr.core.exec"] = {}
  package.loaded["aggr.core.file"] = {}
  local analyse, file = require "check.analyse", require "check.file"
  if type(given) == "string" then given = { ["script.lua"] = given } end
  local files = {}
  for name, text in pairs(given) do files[#files + 1] = file.new(name, text) end
  table.sort(files, function(a, b) return a.name < b.name end)
  analyse.files(files, package.loaded._G, function(path)
    local opened = io.open(path, "rb")
    local text = opened:read("*a")
    opened:close()
    return text
  end)
  local list = {}
  for _, checked in ipairs(files) do
    for _, finding in ipairs(checked.findings) do list[#list + 1] = finding end
  end
  return list
end

--- A script with `aggr` and a client `api` without a deadline, and what comes behind them from line 3 on.
function check.script(code)
  return 'local aggr = require "aggr"\nlocal api = aggr.client { base = "http://h" }\n' .. code
end

--- The same in short: "code line:column" each.
function check.codes(given)
  local list = {}
  for i, finding in ipairs(check.findings(given)) do
    list[i] = ("%s %d:%d"):format(finding.code, finding.line, finding.column)
  end
  return list
end

--- The message of the only finding.
function check.message(given)
  local list = check.findings(given)
  assert(#list == 1, #list .. " findings: " .. table.concat(check.codes(given), ", "))
  return list[1].message
end

return check
