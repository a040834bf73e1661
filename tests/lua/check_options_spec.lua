--- Names of options in tables that are written out.
local check = require "lua.support.check"

--- The messages about options in code behind `aggr` and `api`.
local function unknown(code)
  local list = {}
  for _, finding in ipairs(check.findings(check.script(code))) do
    if finding.code == "unknown-option" then list[#list + 1] = finding.message end
  end
  return list
end

local function is_unknown(message, code)
  assert.same({ message }, unknown(code))
end

describe("an unknown option", function()
  it("is found in calls, with the one that was meant", function()
    is_unknown("aggr.fetch: unknown option 'timout', did you mean 'timeout'?", 'aggr.fetch("http://h", { timout = 2 })')
    is_unknown("aggr.fetch: unknown option 'timout', did you mean 'timeout'?", 'aggr.fetch { url = "/", timout = 2 }')
    is_unknown("aggr.client: unknown option 'bsae', did you mean 'base'?", "aggr.client { bsae = 1 }")
    is_unknown("aggr.all: unknown option 'dedline', did you mean 'deadline'?", "aggr.all({}, { dedline = 2 })")
    is_unknown("aggr.map: unknown option 'client', did you mean 'limit'?", "aggr.map({}, print, { client = api })")
    is_unknown("aggr.each: unknown option 'fallback'", "aggr.each({}, print, { fallback = 1 })")
    is_unknown("aggr.first: unknown option 'need'", "aggr.first({}, { need = 1 })")
    is_unknown("aggr.lines: unknown option 'max', did you mean 'max_line'?", 'aggr.lines("x.txt", { max = 1 })')
    is_unknown("aggr.exec: unknown option 'timout', did you mean 'timeout'?", 'aggr.exec { "ls", "-l", timout = 1 }')
    is_unknown("aggr.json.decode: unknown option 'nul', did you mean 'null'?", 'aggr.json.decode("1", { nul = 1 })')
    is_unknown("aggr.json.encode: unknown option 'prety', did you mean 'pretty'?", "aggr.json.encode(1, { prety = 1 })")
  end)

  it("is found in the methods of a client", function()
    is_unknown("client:get: unknown option 'quer', did you mean 'query'?", 'api:get("/", { quer = {} })')
    is_unknown("client:post: unknown option 'jsn', did you mean 'json'?", 'api:post { url = "/", jsn = 2 }')
    is_unknown("client:put: 'base' is an option of aggr.client, not of a call", 'api:put("/", { base = 1 })')
    is_unknown("client:json: the option 'hedge' is not available in this version", 'api:json("/", { hedge = 1 })')
  end)

  it("is found in sources", function()
    is_unknown("aggr.all: source: unknown option 'heders', did you mean 'headers'?",
      'aggr.all { { url = "/", heders = {} } }')
    is_unknown("aggr.first: source: unknown option 'methd', did you mean 'method'?",
      'aggr.first { a = "/b", c = { url = "/", methd = "GET" } }')
    is_unknown("aggr.try: unknown option 'methd', did you mean 'method'?", 'aggr.try { url = "/", methd = 1 }')
    is_unknown("aggr.try: unknown option 'methd', did you mean 'method'?", 'aggr.try("http://h", { methd = 1 })')
  end)

  it("is found in the tables among the options", function()
    is_unknown("aggr.client: retry: unknown option 'tries'", "aggr.client { retry = { tries = 2 } }")
    is_unknown("aggr.client: tls: unknown option 'verfy', did you mean 'verify'?",
      "aggr.client { tls = { verfy = false } }")
    is_unknown("aggr.client: auth: unknown option 'token'", "aggr.client { auth = { token = 1 } }")
  end)

  it("is found behind names to which nothing else is assigned", function()
    local message = "aggr.fetch: unknown option 'timout', did you mean 'timeout'?"
    is_unknown(message, 'local opts = { timout = 2 }\naggr.fetch("http://h", opts)')
    is_unknown(message, 'local fetch = aggr.fetch\nfetch("http://h", { timout = 2 })')
    is_unknown(message, 'local fetch\nfetch = (aggr).fetch\nfetch("http://h", { timout = 2 })')
    is_unknown(message, 'pcall(aggr.fetch, "http://h", { timout = 2 })')
    is_unknown(message, 'require("aggr").fetch("http://h", { timout = 2 })')
  end)

  it("is reported where its name stands, once", function()
    assert.same({ "unknown-option 4:3" }, check.codes [[
local aggr = require "aggr"
local opts = {
  deadline = 2,
  timout = 2,
}
aggr.fetch("http://h", opts)
aggr.fetch("http://h", opts)]])
  end)
end)

describe("an option is not called unknown", function()
  it("when the function has it", function()
    assert.same({}, unknown [[
      local aggr = require "aggr"
      aggr.client { base = "http://h", headers = { a = "b" }, retry = { attempts = 1, backoff = 1, max_backoff = 2 },
        tls = { ca = "x" }, auth = { bearer = "x" }, concurrency = 1, per_host = 1, transport = print }
      aggr.all({ { url = "/", as = "body", vars = { timout = 1 }, query = { retries = 2 } } },
        { client = api, limit = 1, deadline = 2, timeout = 3, need = true, fallback = {} })
      aggr.map({ { timout = 1 } }, function() return { timout = 1 } end, { limit = 1 })
      aggr.settings { timout = { 1, "an odd name" } }
      aggr.emit { timout = 1 }
      api:post("/", { json = { timout = 1 } })
    ]])
  end)

  it("when the table may have changed, or its names are computed", function()
    assert.same({}, unknown 'local opts = { timout = 2 }\nopts.timout = nil\naggr.fetch("http://h", opts)')
    assert.same({}, unknown 'local opts = { timout = 2 }\nmend(opts)\naggr.fetch("http://h", opts)')
    assert.same({}, unknown 'local opts = { timout = 2 }\nopts = {}\naggr.fetch("http://h", opts)')
    assert.same({}, unknown 'local name = "x"\naggr.fetch("http://h", { [name .. "y"] = 2 })')
  end)

  it("when the function is not aggr's, or the receiver is no client", function()
    assert.same({}, unknown 'local aggr = {}\naggr.fetch("http://h", { timout = 2 })')
    assert.same({}, unknown 'local function f(api) api:get("/", { timout = 2 }) end\nf()')
    assert.same({}, unknown 'api = nil\napi:get("/", { timout = 2 })')
    assert.same({}, unknown 'local other = require "other"\nother.fetch("http://h", { timout = 2 })')
  end)
end)
