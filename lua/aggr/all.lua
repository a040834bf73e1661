--- aggr.all: run a table of sources concurrently and settle them all.
local gather = require "aggr.gather"
local options = require "aggr.options"
local sources_of = require "aggr.sources"

local KNOWN = options.declare("aggr.all", 2,
  { client = true, limit = true, deadline = true, timeout = true, need = true, fallback = true })

local function spawn(job, s, i, key)
  return s:spawn(job.runs[i], key)
end

--- A source is a URL, a request table (both: 2xx required, JSON decoded, or as its `as` says) or a
--- function, which gets its key. `data` has the keys of `sources`; a failed source is absent from a
--- named table and false in a list, a list source that returns nil gives aggr.null. A function that
--- returns nil and an Error has failed; one whose second value is an incomplete report is `partial`.
--- Raises kind `usage` (one misspelt source fails the call) and, as soon as what `need` names can't
--- be had, the first lost source's Error with `.source` and `.report`.
---@param sources table
---@param opts aggr.AllOptions?
---@return table data
---@return aggr.Report report
local function all(sources, opts)
  local job = gather.job(sources, opts, KNOWN, "aggr.all")
  job.runs = sources_of.runs(job)
  job.spawn, job.carried = spawn, sources_of.carried
  return gather.run(job)
end

return all
