--- Settings, logs and what -v shows.
local cjson = require "cjson"
local support = require "e2e.support"

local KNOBS = [[
local aggr = require "aggr"
local cfg = aggr.settings {
  base  = { "http://127.0.0.1:9000", "where the APIs live" },
  limit = { 10, "sources at once" },
  token = { aggr.required, "API token" },
}
return { cfg.base, cfg.limit, cfg.token }
]]

local function run(flags, env)
  return support.script(KNOBS, { flags = flags, env = env })
end

describe("settings", function()
  it("come from --set, the environment, the file, the default, in this order", function()
    local file = support.file('{ "limit": 1, "token": "file", "base": "file" }')
    local result = run({ "--set", "base=set", "--settings", file }, { AGGR_SET_BASE = "env", AGGR_SET_TOKEN = "env" })
    assert.equal('["set",1,"env"]\n', result.out, result.err)
    assert.equal('["http://127.0.0.1:9000",10,"a=b"]\n', run({ "--set", "token=a=b" }).out)
  end)

  it("cannot be asked for after input or output", function()
    for code, name in pairs {
      ['aggr.try(aggr.fetch, "http://127.0.0.1:1/")'] = "aggr.fetch",
      ['aggr.read "-"'] = "aggr.read",
      ['aggr.lines "-"'] = "aggr.lines",
      ['aggr.write("/dev/null", "")'] = "aggr.write",
      ["aggr.emit(1)"] = "output",
      ["io.write(1)"] = "output",
    } do
      local result = support.script('local aggr = require "aggr"\n' .. code .. "\naggr.settings { a = 1 }")
      assert.equal(1, result.code)
      assert.truthy(result.err:find(".lua:3: usage: aggr.settings: it must come before any input and output (here "
        .. name .. " came first)", 1, true), result.err)
    end
    assert.equal(0, support.script([[
      local aggr = require "aggr"
      print "starting" aggr.log.info "starting" aggr.sleep(0) aggr.client { base = "http://127.0.0.1:1" }
      aggr.settings { a = 1 }]]).code)
  end)

  it("that are misspelt, mistyped or missing are exit 2", function()
    local function refused(result, text)
      assert.equal(2, result.code)
      assert.truthy(result.err:find(text, 1, true), result.err)
    end
    refused(run { "--set", "tokn=x" }, "--set: the script has no setting 'tokn', did you mean 'token'?")
    refused(run { "--set", "token=x", "--set", "limit=many" }, "limit must be a number, got 'many'")
    refused(run {}, "the setting 'token' is required (API token)")
    refused(run { "--settings", "/nowhere" }, "/nowhere: No such file or directory")
    refused(run { "--settings", support.folder() }, "it is not a file")
    refused(run { "--settings", support.file("{") }, "is not JSON")
    refused(support.script("return 1", { flags = { "--set", "a=1" } }), "--set a: the script has no settings")
  end)

  it("are listed by aggr run --help SCRIPT", function()
    local result = run { "--help" }
    assert.equal(0, result.code, result.err)
    assert.truthy(result.out:find("Usage: aggr run", 1, true))
    assert.truthy(result.out:find("--set limit=…[^\n]-sources at once %[10%]\n"), result.out)
    assert.truthy(result.out:find("--set token=…[^\n]-API token %[required%]\n"), result.out)
  end)

  it("are listed as none where the script has none; nothing is fetched", function()
    local result = support.script('return require("aggr").fetch("http://127.0.0.1:1/")', { flags = { "--help" } })
    assert.same({ 0, "" }, { result.code, result.err })
    assert.truthy(result.out:find("The script has no settings.\n", 1, true))
  end)
end)

describe("aggr.log", function()
  local code = [[
    local log = require("aggr").log
    log.debug "d"
    log.info("i", { n = 1, text = "two words" })
    log.warn("w")
    log.error "e"]]

  it("writes text lines from a level on", function()
    assert.equal('info: i n=1 text="two words"\nwarn: w\nerror: e\n', support.script(code).err)
    assert.equal("error: e\n", support.script(code, { flags = { "--log-level", "error" } }).err)
    assert.equal("error: e\n", support.script(code, { flags = { "-q" } }).err)
    assert.truthy(support.script(code, { env = { AGGR_LOG_LEVEL = "debug" } }).err:find("debug: d\n", 1, true))
  end)

  it("writes JSON lines", function()
    local lines = {}
    local result = support.script(code, { flags = { "--log-format=json" } })
    for line in result.err:gmatch("[^\n]+") do lines[#lines + 1] = cjson.decode(line) end
    assert.equal(3, #lines)
    assert.same({ "info", "i", 1, "two words" }, { lines[1].level, lines[1].msg, lines[1].n, lines[1].text })
    assert.truthy(lines[1].time:match("^%d+%-%d+%-%d+T%d+:%d+:%d+%.%d+Z$"))
  end)

  it("refuses fields that are none", function()
    local result = support.script('require("aggr").log.info("x", 1)')
    assert.truthy(result.err:find("usage: aggr.log.info: fields must be a table, got 1", 1, true), result.err)
  end)
end)

describe("-v", function()
  it("shows the defaults in force and a line per request", function()
    local fixture = support.fixture()
    local result = support.script(('return require("aggr").fetch(%q):json()'):format(fixture:url("/json")),
      { flags = { "-v", "--timeout", "3" } })
    assert.equal(0, result.code, result.err)
    assert.truthy(result.err:find("debug: defaults [^\n]-timeout=3\n"), result.err)
    assert.matches("debug: defaults [^\n]-hard_stall=30 [^\n]-max_slice=5 ", result.err)
    assert.matches("debug: defaults [^\n]-max_buffered=67108864 ", result.err)
    assert.matches("debug: memory [^\n]-peak_heap=%d+ ", result.err)
    assert.truthy(result.err:find("debug: GET " .. fixture:url("/json") .. " bytes=", 1, true), result.err)
    assert.truthy(result.err:find(" ms=[%d.]+ status=200 transport=%a+\n"), result.err)
  end)
end)
