--- prelude.main: one run, from options to exit code (api.md, command line).
--
--   prepare -> load -> run the script in a scope of its own -> judge -> print -> close the output
--
-- `opts` are the options of `aggr run` by name, with '_' for '-', and: script (a path, "-" or nil),
-- args, cut() (why the run was cut short and the exit code that means), descriptors, asked (permits
-- asked for; concurrency is what is given).
local audit = require "prelude.audit"
local chunk = require "prelude.script"
local core_response = require "aggr.core.response"
local emit = require "aggr.emit"
local errors = require "aggr.errors"
local fetch = require "aggr.fetch"
local guard = require "aggr.core.guard"
local log = require "aggr.log"
local options = require "aggr.options"
local output = require "prelude.output"
local render = require "prelude.render"
local report = require "aggr.report"
local scope = require "aggr.scope"
local settings = require "aggr.settings"
local stall = require "aggr.stall"
local task = require "aggr.core.task"
local work = require "aggr.work"

local SCRIPT_WRONG, COMMAND_LINE, PARTIAL, FAILED, GATE, NOT_WRITTEN, MEMORY, LEFT_OVER = 1, 2, 3, 4, 5, 8, 10, 70

local ONLY_LISTED = "aggr run --help only lists the settings: nothing is fetched"

-- What is left to do when the run has been cut short must be done within these seconds.
local LAST_FLUSH, LAST_CLOSE = 2, 30


local function pack(...)
  return { n = select("#", ...), ... }
end

--- What -v says of each request.
local function log_attempt(plan, url, seconds, res, err)
  local fields = { ms = math.floor(seconds * 1e5 + 0.5) / 100 }
  if res then
    fields.status, fields.bytes = core_response.status(res), #core_response.body(res)
    fields.transport = core_response.transport(res)
  else
    fields.error = task.is_cancel(err) and "cancelled" or errors.is(err) and err.kind or "script"
    if errors.is(err) then fields.status, fields.transport = err.status, err.transport end
  end
  log.detail((plan.method or "GET") .. " " .. url, fields)
end

local function configure(opts)
  log.configure {
    level = opts.quiet and "error" or opts.log_level,
    format = opts.log_format,
    color = render.wants_colour(opts.color, 2),
    verbose = opts.verbose,
  }
  local defaults = options.defaults
  defaults.timeout = opts.timeout or defaults.timeout
  defaults.concurrency = opts.concurrency
  defaults.per_host = opts.per_host or defaults.per_host
  stall.configure(opts.stall ~= 0 and opts.stall or nil)
  emit.set_raw(opts.format == "raw")
  local set = {}
  for _, pair in ipairs(opts.set) do
    local name, value = pair:match("^([^=]+)=(.*)$")
    set[name] = value
  end
  settings.configure { set = set, file = opts.settings, list_only = opts.help }
  if opts.concurrency < opts.asked then
    log.warn(("%d open files are allowed: at most %d requests are in flight, not %d (ulimit -n)"):format(
      opts.descriptors, opts.concurrency, opts.asked))
  end
  if opts.allow_ffi then
    log.warn("ffi is allowed (--allow-ffi): aggr's promises of memory and safety end where the script uses it")
  end
  if not opts.verbose then return end
  fetch.watch(log_attempt)
  log.detail("defaults", { timeout = defaults.timeout, connect_timeout = defaults.connect_timeout,
    max_body = defaults.max_body, redirects = defaults.redirects, concurrency = defaults.concurrency,
    per_host = defaults.per_host, deadline = opts.deadline, stall = opts.stall, max_slice = opts.max_slice,
    hard_stall = opts.hard_stall, max_memory = opts.max_memory, max_buffered = opts.max_buffered })
end

--- Runs fn(...) as a body of a scope that hides cancellations for `seconds`.
local function shielded(seconds, fn, ...)
  local s = scope.open { shield = seconds }
  local results = pack(s:run(fn, ...))
  s:join()
  s:close()
  return unpack(results, 1, results.n)
end

--- The part of main that the script can end from inside: os.exit and a reader that has gone.
---@class aggr.Session
---@field scope table
---@field exit integer?    the code that os.exit or failed printing asked for
---@field failure string?  why printing failed
local Session = {}
Session.__index = Session

--- Ends the run: everything is cancelled, defers run. Does not return.
function Session:stop(code)
  self.exit = self.exit or code
  self.scope:cancel()
  error(task.CANCEL, 0)
end

function Session:lose_output(failure)
  self.failure = failure
  self:stop(failure == "closed" and 0 or NOT_WRITTEN)
end

--- Runs fn(...) as a body of a scope of its own. Returns true and its values, or false and an Error
--- or the cancel token; never raises. `on_open(scope)` comes first.
local function run_in_scope(on_open, fn, ...)
  local s = scope.open {}
  if on_open then on_open(s) end
  local results = pack(s:run(fn, ...))
  s:join()
  s:close()
  local err = s:first_error()
  if err and (results[1] or task.is_cancel(results[2])) then return { n = 2, false, err } end
  return results
end

--- Runs the script, and after() with what run_in_scope gives: also when the main task had to be killed.
local function execute(session, opts, fn, after)
  report.follow(task.current())
  emit.on_failure = function(failure) session:lose_output(failure) end
  chunk.prepare(opts, function(code) session:stop(code) end)
  if audit.is_on() then audit.begin() end
  local function on_open(s)
    session.scope = s
    s.recover = function(err) return after { n = 2, false, err } end
  end
  stall.run(fn)
  guard.allow_kills(true)
  return after(run_in_scope(on_open, fn, unpack(opts.args)))
end

--- A lost `need` (it has a report) is a failure whatever the lost source died of.
local function code_of_error(err)
  if err.exit_code then return err.exit_code end
  if err.kind == "usage" or err.kind == "script" and not err.report then return SCRIPT_WRONG end
  return err.kind == "memory" and not err.report and MEMORY or FAILED
end

--- Reads what the script returned, or raised, into `result`.
local function read_results(result, results, opts)
  if not results[1] then
    local err = results[2]
    if not task.is_cancel(err) then
      result.err = errors.wrap(err)
    elseif result.cut == "deadline" then
      result.err = errors.new("deadline", ("the run's deadline of %g s has passed"):format(opts.deadline))
    end
  elseif results[2] == nil and results[3] ~= nil and not report.is(results[3]) then
    result.err = errors.wrap(results[3])
  else
    result.data = results[2]
    for i = 3, results.n do
      if report.is(results[i]) then table.insert(result.reports, results[i]) end
    end
    if report.is(result.data) then table.insert(result.reports, result.data) end
  end
end

local function is_incomplete(reports)
  for _, rep in ipairs(reports) do
    if not rep.complete then return true end
  end
  return false
end

--- What the script's end means: data, err, reports, cut, code.
local function judge(session, opts, results)
  local cut, cut_code = opts.cut()
  local result = { reports = {}, code = 0, cut = cut }
  read_results(result, results, opts)
  if result.err then
    result.code = code_of_error(result.err)
    result.reports[1] = result.err.report
  elseif not result.reports[1] then
    result.reports[1] = report.last_incomplete()
    result.unreturned = true
  end
  if not result.err and is_incomplete(result.reports) and not opts.partial_ok then
    result.code = PARTIAL
  end
  result.code = session.exit or cut_code or result.code
  return result
end

--- What was returned cannot be printed. No line of the script is to blame, but the script is.
local function unprintable(result, why, opts)
  result.err = errors.wrap(why)
  result.err.where = result.err.where or chunk.name(opts)
  result.code = code_of_error(result.err)
end

--- The text to print; an error in making it becomes the run's.
local function text_of(result, opts)
  if opts.envelope then
    local ok, text = pcall(output.envelope, result, opts)
    if ok then return text end
    result.data = nil
    unprintable(result, text, opts)
    return output.envelope(result, opts)
  end
  if result.data == nil then return nil end
  local rep = not result.unreturned and result.reports[1] or nil
  local ok, text = pcall(output.text, result.data, rep, opts)
  if ok then return text end
  unprintable(result, text, opts)
end

--- Print; a cancellation meanwhile leaves LAST_FLUSH seconds. Returns a failure or nil.
local function print_result(text)
  local results = run_in_scope(nil, output.write, text)
  if results[1] then return results[2] end
  local ok, failure = shielded(LAST_FLUSH, output.write)
  return ok and failure or nil
end

local function note_failure(session, result, opts)
  if session.failure == "closed" then
    if not result.err then result.code = 0 end
    return
  end
  render.complaint(("cannot write to %s: %s"):format(opts.out or "stdout", session.failure))
  result.code = NOT_WRITTEN
end

--- Put the file of --out in place, or say where its part stays.
local function close_file(result, opts)
  local whole = result.code == 0 or result.code == PARTIAL
  local ok, path, message = shielded(LAST_CLOSE, output.finish, whole)
  if not ok or not path then
    if ok then render.complaint(message) end
    result.code = NOT_WRITTEN
  elseif not whole and path ~= opts.out and not opts.quiet then
    render.complaint(("%s is left as it was; what was printed is in %s"):format(opts.out, path),
      { partial = path })
  end
end

local function explain(result, opts)
  if not opts.quiet then
    for _, rep in ipairs(result.reports) do render.summary(rep) end
  end
  if not opts.quiet then stall.summary() end
  if opts.verbose then log.detail("memory", guard.memory()) end
  if result.gate then
    render.complaint(("%s: longer than the %g s of --max-stall"):format(stall.text(result.gate), opts.max_stall))
  end
  if result.err then
    render.error(result.err, opts.verbose)
  elseif result.cut == "signal" then
    render.complaint("interrupted")
  elseif result.cut == "deadline" then
    render.complaint(("the run's deadline of %g s has passed"):format(opts.deadline))
  end
end

--- What the script has left makes a run that is fine otherwise a failed one. What it has emitted is written
--- first. Teardown may find more: then the result has been printed already, and only the exit code tells.
local function look_for_leftovers(session, result)
  session.failure = session.failure or print_result()
  shielded(LAST_FLUSH, audit.settle)
  local clean = audit.is_clean()
  if not clean and (result.code == 0 or result.code == PARTIAL) then result.code = LEFT_OVER end
end

--- A stall that is still under way, or has just ended, belongs to the run's report: leave the loop once.
local function end_stall()
  guard.allow_kills(false)
  if guard.noticed() or stall.is_pending() then shielded(LAST_FLUSH, scope.sleep, 0) end
end

--- --max-stall turns a run that is fine otherwise into a failed one.
local function pass_gates(result, opts)
  if result.code ~= 0 and result.code ~= PARTIAL or not opts.max_stall then return end
  result.gate = stall.over(opts.max_stall)
  if result.gate then result.code = GATE end
end

local function finish(session, opts, results)
  end_stall()
  local result = judge(session, opts, results)
  local unused = result.code == 0 and settings.unused()
  if unused then result.err, result.code = errors.new("usage", unused), COMMAND_LINE end
  if audit.is_on() then look_for_leftovers(session, result) end
  pass_gates(result, opts)
  result.elapsed = scope.now() - session.started
  session.failure = session.failure or print_result(text_of(result, opts))
  local _, cut_code = opts.cut()
  if cut_code and not session.exit then result.code = cut_code end
  if session.failure then note_failure(session, result, opts) end
  if opts.out then close_file(result, opts) end
  work.report(true)
  local ok, why = pcall(explain, result, opts) -- a script may have put anything into its errors and reports
  if not ok then render.complaint("cannot show what failed: " .. tostring(why)) end
  return result.code
end

--- An end before the script has begun.
local function refuse(err, code, opts)
  local result = { reports = {}, err = err, code = code, elapsed = 0 }
  if opts.envelope and code ~= NOT_WRITTEN then print_result(text_of(result, opts)) end
  explain(result, opts)
  return code
end

--- Load the script, open the output. Returns the script's function, or nil and the exit code.
local function begin(opts)
  local results = run_in_scope(nil, chunk.load, opts)
  local ok, fn, err, code = unpack(results, 1, 4)
  if ok and fn and opts.out and not opts.help then
    results = run_in_scope(nil, output.open, opts.out)
    local _, message
    ok, _, message = unpack(results, 1, 3)
    if message then fn, err, code = nil, errors.new("script", message), NOT_WRITTEN end
  end
  if not ok then return nil, select(2, opts.cut()) end
  if not fn then return nil, refuse(err, code, opts) end
  return fn
end

--- The settings of a script that was run up to its call of aggr.settings.
local function list_settings(opts, fn)
  fetch.refuse(ONLY_LISTED)
  return execute(setmetatable({}, Session), opts, fn, function(results)
    local err = not results[1] and results[2]
    local text = "\nThe script has no settings.\n"
    if errors.is(err) and err.listing then
      text = "\nSettings of the script:\n" .. settings.describe(err.listing) .. "\n"
    elseif err and not (errors.is(err) and err.message == ONLY_LISTED) then
      if not task.is_cancel(err) then render.error(errors.wrap(err)) end
      return SCRIPT_WRONG
    end
    return print_result(text) and NOT_WRITTEN or 0
  end)
end

--- One run.
---@param opts table
---@return integer exit code
local function main(opts)
  local session = setmetatable({ started = scope.now() }, Session)
  configure(opts)
  local fn, code = begin(opts)
  if not fn then return code end
  if opts.help then return list_settings(opts, fn) end
  return execute(session, opts, fn, function(results) return finish(session, opts, results) end)
end

return main
