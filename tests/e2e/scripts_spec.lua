--- Every ready pipeline in scripts/, run as its users run it.
local cjson = require "cjson"
local support = require "e2e.support"

local MAX_LINES = 40
local tested = {}

local function run(name, options)
  tested[name] = true
  options = options or {}
  local args = { "run", "--set", "base=" .. support.fixture():url("") }
  for _, flag in ipairs(options.flags or {}) do args[#args + 1] = flag end
  args[#args + 1] = "scripts/" .. name .. ".lua"
  for _, arg in ipairs(options.args or {}) do args[#args + 1] = arg end
  local got = support.aggr(args, options)
  assert.equal(options.code or 0, got.code, got.err)
  return got, got.out ~= "" and not options.text and cjson.decode(got.out) or nil
end

local function script_names()
  local listing = support.command { "ls", "scripts" }
  local names = {}
  for name in listing.out:gmatch("([%w_]+)%.lua\n") do names[#names + 1] = name end
  return names
end

describe("scripts/", function()
  support.guard(before_each, after_each)

  it("dashboard: three APIs, complete", function()
    local _, data = run("dashboard")
    assert.equal("User 42", data.user.name)
    assert.equal(2, #data.orders)
    assert.equal(19.99, data.price)
  end)

  it("dashboard: a lost user is exit code 4 and nothing on stdout", function()
    local got = run("dashboard", { flags = { "--set", "user=0" }, code = 4 })
    assert.equal("", got.out)
    assert.truthy(got.err:find("404", 1, true), got.err)
  end)

  it("dependent_calls: later calls use earlier answers", function()
    local _, data = run("dependent_calls")
    assert.equal("User 42", data.user)
    assert.equal("User 43", data.manager)
    assert.equal(42.5, data.spent)
  end)

  it("first_mirror: the first answer wins and the loser's connection is closed", function()
    local fixture = support.fixture()
    local hanging = fixture:url("/hang?phase=head&was=", "http2")
    local _, data = run("first_mirror", { flags = { "--set", "mirror=" .. hanging } })
    assert.equal("first", data.from)
    assert.equal(1, data.value.id)
  end)

  it("fetch_ids: a request per line of stdin, a line of JSON for each", function()
    local ids = {}
    for id = 1, 500 do ids[id] = tostring(id) end
    local got = run("fetch_ids", { stdin = table.concat(ids, "\n") .. "\n", text = true })
    local seen, lines = {}, 0
    for line in got.out:gmatch("[^\n]+") do
      seen[cjson.decode(line).id], lines = true, lines + 1
    end
    assert.equal(500, lines)
    for id = 1, 500 do assert.is_true(seen[id]) end
    assert.is_true(support.fixture():stats().peak <= 32)
  end)

  it("post_orders: each order arrives as JSON", function()
    local orders = '{"product":"tea","amount":2}\n{"product":"salt","amount":1}\n'
    local _, data = run("post_orders", { stdin = orders })
    assert.equal(2, #data.created)
    assert.equal("tea", data.created[1].product)
    assert.equal(1001, data.created[2].id)
  end)

  it("health_sweep: the exit code tells all, some, none", function()
    local _, well = run("health_sweep", { args = { "users", "billing" } })
    assert.equal("ok", well.users.state)
    local _, some = run("health_sweep", { args = { "users", "down1" }, code = 3 })
    assert.equal("error", some.down1.state)
    assert.equal("ok", some.users.state)
    run("health_sweep", { args = { "down1", "down2" }, code = 4 })
  end)

  it("settings_report: --set, environment, file, in that order", function()
    local _, three = run("settings_report")
    assert.equal(3, #three)
    local _, four = run("settings_report", { env = { AGGR_SET_COUNT = "4" } })
    assert.equal(4, #four)
    local file = support.file('{"count": 5}', ".json")
    local _, five = run("settings_report", { flags = { "--settings", file } })
    assert.equal(5, #five)
    local _, two = run("settings_report",
      { flags = { "--settings", file, "--set", "count=2" }, env = { AGGR_SET_COUNT = "4" } })
    assert.same({ "item 1", "item 2" }, two)
  end)

  it("settings_report: --help lists the knobs, a misspelt one is exit code 2 with a suggestion", function()
    local help = support.aggr { "run", "--help", "scripts/settings_report.lua" }
    assert.equal(0, help.code, help.err)
    assert.truthy((help.out .. help.err):find("how many items", 1, true))
    local got = run("settings_report", { flags = { "--set", "cuont=2" }, code = 2 })
    assert.truthy(got.err:find("count", 1, true), got.err)
  end)

  it("secret_token: the token is sent, and shown nowhere", function()
    local flags = { "--set", "path=/orders?token=s3cr3t-t0ken", "-v" }
    local got = run("secret_token", { flags = flags, env = { API_TOKEN = "s3cr3t-t0ken" }, text = true })
    assert.equal('[{"id":1001}]', (got.out:gsub("%s", "")))
    local path = support.file("s3cr3t-t0ken\n")
    run("secret_token", { flags = flags, env = { API_TOKEN_FILE = path }, text = true })
    local wrong = run("secret_token", { flags = flags, env = { API_TOKEN = "an0ther-t0ken" }, code = 4 })
    assert.falsy(wrong.err:find("an0ther-t0ken", 1, true), wrong.err)
    run("secret_token", { code = 1 })
  end)

  it("fan_out: all at once, in the time of one", function()
    local got, data = run("fan_out", { flags = { "--set", "ms=300" } })
    assert.equal("up", data.api20.status)
    assert.is_true(got.elapsed < 3 * support.slow)
    assert.equal(20, support.fixture():stats().peak)
  end)

  it("one_by_one: never two at once", function()
    local _, data = run("one_by_one", { flags = { "--set", "ms=20" } })
    assert.equal("up", data.api2.status)
    assert.equal(1, support.fixture():stats().peak)
  end)

  it("best_effort: retries, falls back, goes on without what hangs", function()
    local _, data = run("best_effort", { flags = { "--set", "deadline=1s" }, code = 3 })
    assert.equal(1, data.catalogue.id)
    assert.equal("unknown", data.rating)
    assert.is_nil(data.advert)
    assert.equal(1, support.fixture():await({ in_flight_most = 0 }).paths["/fail-then-ok"].peak)
  end)

  it("every one of them is tested here, has at most 40 lines, and says how to run it", function()
    for _, name in ipairs(script_names()) do
      assert.is_true(tested[name], name .. " has no test")
      local text = support.read("scripts/" .. name .. ".lua")
      local _, lines = text:gsub("\n", "\n")
      assert.is_true(lines <= MAX_LINES, name)
      assert.truthy(text:find("^#!/usr/bin/env %-S aggr run\n%-%- "), name)
    end
  end)
end)
