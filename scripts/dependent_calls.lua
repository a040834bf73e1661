#!/usr/bin/env -S aggr run
-- Calls that need each other's answers: the user first, then the manager and both order lists together.
-- Plain Lua from top to bottom; only what is independent runs at once.
local aggr = require "aggr"

local cfg = aggr.settings {
  base = { "http://127.0.0.1:9000", "where the APIs live" },
  user = { 42, "id of the user" },
}

local api = aggr.client { base = cfg.base, timeout = 2, deadline = 5 }

local function orders_of(id)
  local total = 0
  for _, order in ipairs(api:json("/users/{id}/orders", { vars = { id = id } })) do
    total = total + order.total
  end
  return total
end

local user = api:json("/users/{id}", { vars = { id = cfg.user } })

local data, report = aggr.all({
  manager        = function() return api:json("/users/{id}", { vars = { id = user.manager } }).name end,
  spent          = function() return orders_of(user.id) end,
  manager_spent  = function() return orders_of(user.manager) end,
}, { deadline = 5 })

data.user = user.name
return data, report
