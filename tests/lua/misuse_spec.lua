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
end)
