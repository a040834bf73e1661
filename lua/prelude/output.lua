--- prelude.output: the run's result on stdout, or in the file of --out.
--
-- Knows three formats (json, ndjson, raw) and the envelope; decides nothing about exit codes. Bytes
-- go through aggr.emit's queue.
local audit = require "prelude.audit"
local emit = require "aggr.emit"
local encoder = require "aggr.encoder"
local errors = require "aggr.errors"
local guard = require "aggr.core.guard"
local json = require "aggr.json"
local out = require "aggr.core.out"
local stall = require "aggr.stall"
local task = require "aggr.core.task"

local output = {}

--- Print to `path` from now on; returns nil, message when it can't be opened.
---@param path string
function output.open(path)
  out.open(path)
  return task.take()
end

--- Close the file: put it in place, or leave it as FILE.partial.
---@param whole boolean
---@return string? path, string? message
function output.finish(whole)
  out.finish(whole)
  return task.take()
end

--- A list with null where a source has failed; `data` itself otherwise.
local function with_nulls(data, rep)
  if not encoder.is_plain(data) or #data == 0 or not rep.sources then return data end
  local copy
  for i = 1, #data do
    local entry = rep.sources[i]
    if data[i] == false and entry and entry.state ~= "ok" and entry.state ~= "partial"
      and entry.state ~= "fallback" then
      if not copy then
        copy = json.array {}
        for j = 1, #data do copy[j] = data[j] end
      end
      copy[i] = json.null
    end
  end
  return copy or data
end

local RETURNED = "the returned value"

local function document(data, opts)
  return encoder.print(data, opts.pretty, RETURNED) .. "\n"
end

local function lines(data, opts)
  local is_list = encoder.is_plain(data) and #data > 0
  if not is_list then return encoder.print(data, false, RETURNED) .. "\n" end
  document(data, opts) -- a mixed or holed table is refused as in JSON
  local parts = {}
  for i = 1, #data do parts[i] = encoder.print(data[i]) .. "\n" end
  return table.concat(parts)
end

local function raw(data)
  if type(data) == "string" then return data end
  if type(data) == "table" or type(data) == "userdata" and data ~= json.null then
    errors.raise("usage", "--format raw prints a string, the script returned " .. errors.show(data)
      .. " (return res.body, or leave --format out)")
  end
  return encoder.print(data, false, RETURNED) .. "\n"
end

local FORMATS = { json = document, ndjson = lines, raw = raw }

--- The text of what the script returned. Raises kind `usage` for what is not data.
---@param data any not nil
---@param rep aggr.Report? the report returned with it
---@param opts table options of the command line
---@return string
function output.text(data, rep, opts)
  if rep then data = with_nulls(data, rep) end
  return FORMATS[opts.format or "json"](data, opts)
end

--- The errors of an envelope: the run's own, or else those of the report's sources.
local function envelope_errors(result)
  local list = json.array {}
  if result.err then
    list[1] = result.err
    return list
  end
  for _, rep in ipairs(result.reports) do
    for _, lost in ipairs(output.failures(rep)) do
      if lost.error then list[#list + 1] = lost.error end
    end
  end
  return list
end

--- The sources of a report that did not end well, in the order of their keys:
--- { key, state, error }.
---@param rep aggr.Report
---@return table[]
function output.failures(rep)
  local list = {}
  for key, entry in pairs(rep.sources or {}) do
    if entry.state ~= "ok" then
      list[#list + 1] = { key = key, state = entry.state, error = entry.error }
    end
  end
  for _, err in ipairs(not rep.sources and rep.errors or {}) do
    list[#list + 1] = { key = err.source, state = "error", error = err }
  end
  table.sort(list, function(a, b)
    if type(a.key) == "number" and type(b.key) == "number" then return a.key < b.key end
    return tostring(a.key) < tostring(b.key)
  end)
  return list
end

--- What the run itself was like.
local function run_of()
  local stalls, more = stall.list()
  return {
    audit = audit.result(),
    memory = guard.memory(),
    more_stalls = more > 0 and more or nil,
    stalls = json.array(stalls),
  }
end

--- The text of --envelope.
---@param result { data: any, err: aggr.Error?, reports: aggr.Report[], code: integer, elapsed: number }
---@param opts table
---@return string
function output.envelope(result, opts)
  local data, first = result.data, result.reports[1]
  if first then data = with_nulls(data, first) end
  local fields = {
    data = data == nil and json.null or data,
    report = first or json.null,
    errors = envelope_errors(result),
    exit = result.code,
    elapsed = result.elapsed,
    run = run_of(),
  }
  return encoder.print(fields, opts.pretty, RETURNED) .. "\n"
end

--- Queue `text` and wait until it is written. Returns nil, "closed" or a message.
---@param text string?
---@return string? failure
function output.write(text)
  if text then out.write(text) end
  return emit.flush()
end

return output
