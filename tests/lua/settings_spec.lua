local core = require "lua.support.core"
local raised = core.raised

local function file_with(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

describe("aggr.settings", function()
  local settings
  local specs

  before_each(function()
    core.reset()
    settings = require "aggr.settings"
    specs = { base = { "http://h", "where" }, limit = { 10 }, fast = { false, "hurry" } }
  end)

  it("are the defaults when nobody says otherwise", function()
    local cfg = settings.declare(specs)
    assert.are.same({ "http://h", 10, false }, { cfg.base, cfg.limit, cfg.fast })
    assert.truthy(raised(function() return cfg.limt end).message:find("did you mean 'limit'", 1, true))
  end)

  it("come from --set, then the environment, then the file, then the default", function()
    local path = file_with '{"base":"file","limit":1,"fast":true}'
    core.environment = { AGGR_SET_BASE = "env", AGGR_SET_LIMIT = "2" }
    settings.configure { set = { base = "set" }, file = path }
    local cfg = settings.declare(specs)
    assert.are.same({ "set", 2, true }, { cfg.base, cfg.limit, cfg.fast })
    os.remove(path)
  end)

  local function refused(message, opts)
    settings.configure(opts)
    local err = raised(settings.declare, specs)
    assert.are.equal(2, err.exit_code)
    assert.truthy(err.message:find(message, 1, true), err.message)
  end

  it("refuse unknown names and wrong types with exit code 2", function()
    refused("--set: the script has no setting 'limt', did you mean 'limit'?", { set = { limt = "1" } })
  end)
  it("refuse text for a number", function() refused("limit must be a number, got 'x'", { set = { limit = "x" } }) end)
  it("refuse hex for a number", function() refused("limit must be a number", { set = { limit = "0x10" } }) end)
  it("refuse an infinite number", function() refused("limit must be a number", { set = { limit = "1e400" } }) end)
  it("refuse what is not a boolean", function() refused("fast must be true or false", { set = { fast = "2" } }) end)
  it("refuse a missing file", function() refused("No such file", { file = "/nonexistent/x.json" }) end)
  it("refuse a folder", function() refused("--settings: /", { file = "/" }) end)
  it("refuse a file that is not JSON", function()
    local path = file_with "{"
    refused("is not JSON: at byte 2", { file = path })
    os.remove(path)
  end)
  it("refuse a file of another shape or type", function()
    local path = file_with '{"limit":"1"}'
    refused("--settings: limit must be a number, got '1'", { file = path })
    os.remove(path)
  end)

  it("must be given when required", function()
    specs.token = { settings.required, "API token" }
    refused("the setting 'token' is required (API token): --set token=…, AGGR_SET_TOKEN", {})
  end)

  it("are listed instead when only asked for", function()
    specs.token = { settings.required, "API token" }
    settings.configure { list_only = true }
    local err = raised(settings.declare, specs)
    assert.are.equal(0, err.exit_code)
    assert.are.same({ "base", "fast", "limit", "token" }, {
      err.listing[1].name, err.listing[2].name, err.listing[3].name, err.listing[4].name })
    assert.truthy(settings.describe(err.listing):find("token=…%s+string%s+API token %[required%]"))
  end)

  it("are declared once, in the right form", function()
    for _, bad in ipairs { 1, "x", { "x" }, { ["a b"] = { 1 } }, { a = { {} } }, { a = {} }, { a = { 1, 2 } } } do
      local err = raised(settings.declare, bad)
      assert.are.equal("usage", err.kind)
      assert.is_nil(err.exit_code)
    end
    settings.declare(specs)
    assert.truthy(raised(settings.declare, specs).message:find("only once", 1, true))
  end)

  it("say so when nobody uses what was given", function()
    settings.configure { set = { a = "1" } }
    assert.are.equal("--set a: the script has no settings", settings.unused())
  end)
end)

describe("aggr.secret", function()
  local secret, errors

  before_each(function()
    core.reset()
    secret, errors = require "aggr.secret", require "aggr.errors"
  end)

  it("is a plain string that no error shows", function()
    core.environment = { TOKEN = "abc/def" }
    assert.are.equal("abc/def", secret.get "TOKEN")
    assert.are.equal("dns: *** ***", tostring(errors.new("dns", "abc/def abc%2Fdef")))
  end)

  it("is read from the file that NAME_FILE names", function()
    local path = file_with "from file\n"
    core.environment = { TOKEN_FILE = path }
    assert.are.equal("from file", secret.get "TOKEN")
    os.remove(path)
  end)

  it("must be there", function()
    core.environment = { EMPTY = "", LOST_FILE = "/nonexistent/x" }
    for name, message in pairs { NONE = "NONE is not set", EMPTY = "EMPTY is empty",
      LOST = "can't be read", [1] = "got 1", ["a b"] = "expected the name" } do
      local err = raised(secret.get, name)
      assert.are.equal("usage", err.kind)
      assert.truthy(err.message:find(message, 1, true), err.message)
    end
    secret.list_only()
    assert.are.equal("placeholder", secret.get "NONE")
  end)
end)
