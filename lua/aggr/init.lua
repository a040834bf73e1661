--- aggr: ask many HTTP APIs at once and make one answer of theirs.
local channel = require "aggr.channel"
local client = require "aggr.client"
local emit = require "aggr.emit"
local errors = require "aggr.errors"
local file = require "aggr.file"
local json = require "aggr.json"
local log = require "aggr.log"
local options = require "aggr.options"
local pick = require "aggr.pick"
local plan = require "aggr.plan"
local request = require "aggr.request"
local scope = require "aggr.scope"
local secret = require "aggr.secret"
local settings = require "aggr.settings"
local values = require "aggr.values"
local work = require "aggr.work"

---@class aggr
---@field args string[] of the script
local aggr = {
  all = require "aggr.all",
  array = json.array,
  channel = channel,
  client = client.new,
  deadline = scope.deadline,
  defer = scope.defer,
  each = require "aggr.each",
  emit = emit.value,
  exec = require "aggr.exec",
  first = require "aggr.first",
  group = scope.group,
  json = {
    encode = json.encode, decode = json.decode, keys = json.keys, pick = pick.pick, values = values.each,
  },
  lines = file.lines,
  log = { debug = log.debug, info = log.info, warn = log.warn, error = log.error },
  map = require "aggr.map",
  now = scope.now,
  null = json.null,
  object = json.object,
  read = file.read,
  required = settings.required,
  secret = secret.get,
  settings = settings.declare,
  shield = scope.shield,
  sleep = scope.sleep,
  try = require "aggr.try",
  work = work.run,
  write = file.write,
}

--- One request; raises an Error unless its status is expected.
---@param url string|aggr.Request
---@param opts aggr.Options?
---@return aggr.Response
function aggr.fetch(url, opts)
  return request.fetch(plan.root, url, opts, "aggr.fetch")
end

return setmetatable(aggr, {
  __name = "aggr",
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    errors.usage(1, "aggr has no '%s'%s", name, options.hint(name, aggr))
  end,
})
