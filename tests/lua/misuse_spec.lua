--- Whatever is passed in whatever place: it works, or one clear Error at the caller's line.
local core = require "lua.support.core"

local OPTIONS = { "method", "headers", "query", "vars", "body", "json", "form", "timeout", "deadline",
  "connect_timeout", "idle_timeout", "expect", "as", "max_body", "redirects", "http", "tls", "proxy",
  "unix_socket", "resolve", "auth", "retry", "stream", "base", "concurrency", "per_host", "transport",
  "url", "nonsense" }
local FIELDS = {
  tls = { "ca", "cert", "key", "verify", "server_name" }, auth = { "bearer", "user", "password" },
  retry = { "attempts", "backoff", "max_backoff" },
}

describe("misuse", function()
  local new, request, json, api, res, errors, values, count

  before_each(function()
    core.reset()
    new, request = require("aggr.client").new, require "aggr.request"
    json, errors = require "aggr.json", require "aggr.errors"
    api = new { base = "http://h" }
    res = api:get "/"
    values = { false, true, 0, 1, -1, 1.5, 0 / 0, 1 / 0, "", "x", "a\0b", "a\nb", {}, { 1 }, { {} }, { a = 1 },
      { a = {} }, { [1.5] = 2 }, { [{}] = 1 }, { [true] = 1 }, tostring, coroutine.create(print), io.stdout, api,
      res, errors.wrap "x", json.null, 1LL, newproxy(true) }
    count = #values + 1 -- with nil
  end)

  local function check(what, fn)
    local ok, err = pcall(fn)
    if ok then return end
    assert(errors.is(err), ("%s: %s"):format(what, tostring(err)))
    assert(err.where and err.where:find("misuse_spec.lua:%d+$"), ("%s: at %s"):format(what, tostring(err.where)))
    assert(not err.message:find("\n"), what)
  end

  it("of functions is answered in one line", function()
    for i = 1, count do
      local value = values[i]
      for name, fn in pairs {
        client = function() new(value) end,
        fetch = function() local _ = api:fetch(value) end,
        options = function() local _ = api:fetch("/x", value) end,
        self = function() local _ = api.post(value, value, value) end,
        source = function() request.from_source(value, api, "k") end,
        source_client = function() request.from_source("/x", value, "k") end,
        encode = function() local _ = json.encode(value) .. json.encode { value, { value } } end,
        encode_options = function() json.encode(1, value) end,
        decode = function() json.decode(value) end,
        decode_options = function() json.decode("1", value) end,
        array = function() local _ = json.encode(json.array(value)) end,
        object = function() local _ = json.encode(json.object(value)) end,
        response = function() res:json(value) end,
        response_self = function() res.json(value) end,
        header_values = function() res:header_values(value) end,
        index = function() local _ = value ~= nil and (api[value] or res[value]) end,
        secret = function() require("aggr.secret").get(value) end,
      } do
        check(name .. " with " .. errors.show(value), fn)
      end
    end
  end)

  it("of options is answered in one line", function()
    for i = 1, count do
      local value = values[i]
      for _, name in ipairs(OPTIONS) do
        local what = name .. " = " .. errors.show(value)
        check(what, function() local _ = api:fetch("/x", { [name] = value }) end)
        check(what, function() request.from_source({ url = "/x", [name] = value }, api)() end)
        check(what, function()
          local _ = new({ base = "http://h", [name] = value }):get("/x", { query = { a = 1 }, headers = { A = "b" } })
        end)
      end
      for option, names in pairs(FIELDS) do
        for _, name in ipairs(names) do
          check(name, function() local _ = api:fetch("/x", { [option] = { [name] = value } }) end)
        end
      end
    end
  end)

  it("of many options at once always names the first in the order of their names", function()
    local names = {}
    for letter in ("abcdefghijklmnopqrstuvwx"):gmatch "." do names[#names + 1] = "q" .. letter end
    local function table_of(value)
      local made = {}
      for _, name in ipairs(names) do made[name] = value end
      return made
    end
    local function names_first(first, fn, ...)
      local message = core.raised(fn, ...).message
      assert.truthy(message:find(first, 1, true), message)
    end
    names_first("'qa'", new, table_of(1))
    names_first("'qa'", api.fetch, api, "/x", table_of(1))
    names_first("'qa'", res.json, res, table_of(1))
    names_first("connect_timeout", api.fetch, api, "/x", { timeout = "x", method = 1, deadline = "x", expect = "x",
      max_body = "x", redirects = "x", retry = "x", connect_timeout = "x", idle_timeout = "x" })
    names_first("http", api.fetch, api, "/x", { tls = 1, http = 1, unix_socket = 1, proxy = 1, resolve = 1 })
    names_first("qa", api.fetch, api, "/x", { query = table_of(print) })
    names_first("qa", api.fetch, api, "/x", { form = table_of(print) })
    names_first("qa", api.fetch, api, "/x", { vars = table_of("1") })
    names_first("qa", api.fetch, api, "/x", { resolve = table_of("x") })
    names_first("'qa'", api.fetch, api, "/x", { auth = table_of("x") })
    names_first("qa", api.fetch, api, "/x", { headers = table_of(print) })
    local twice = table_of("x")
    twice.QX, twice.qb = "y", print
    names_first("qb", api.fetch, api, "/x", { headers = twice })
    local fake = new { transport = function() return { status = 200, headers = table_of(print) } end }
    names_first("qa", fake.get, fake, "http://h/")
    names_first("qa", require("aggr.settings").declare, table_of {})
    local mixed = table_of("/x")
    mixed[1] = "/x"
    names_first("'qa'", require("aggr.sources").keys, mixed, "aggr.all")
    names_first("'qa'", require("aggr.need").compile, table_of("x"), "aggr.all", 1, {})
  end)
end)
