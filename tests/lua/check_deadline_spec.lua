--- Requests of the main chunk with no deadline above them.
local check = require "lua.support.check"

--- The lines with one in code behind `aggr` and `api`, which has none.
local function lines(text)
  local list = {}
  for _, finding in ipairs(check.findings(check.script(text))) do
    if finding.code == "no-deadline" then list[#list + 1] = finding.line end
  end
  return list
end

local function lacks(text) assert.same({ 3 }, lines(text), text) end
local function has(text) assert.same({}, lines(text), text) end

describe("a request without a deadline", function()
  it("is found in the main chunk", function()
    lacks 'return aggr.fetch("http://h")'
    lacks 'return aggr.fetch("http://h", { timeout = 2 })'
    lacks 'return aggr.fetch { url = "http://h", deadline = false }'
    lacks 'return api:json("/a").b'
    lacks 'return api:post("/" .. arg[1], { json = { deadline = 2 } })'
    lacks 'for i = 1, 3 do if i then print((api:get("/a"))) end end'
    lacks 'return aggr.try("http://h")'
    lacks 'return pcall(aggr.fetch, "http://h")'
  end)

  it("is found as a source", function()
    lacks 'return aggr.all { a = "http://h" }'
    lacks 'return aggr.all({ { url = "/a", deadline = 2 }, "/b" }, { client = api, limit = 2 })'
    lacks 'return aggr.first({ "/a", "/b" }, { client = api, timeout = 2 })'
  end)

  it("is found in functions that the main chunk is sure to have called", function()
    lacks 'local function load() return api:get("/a") end return load()'
    lacks 'return aggr.try(function() return api:get("/a") end)'
    lacks 'return aggr.map({ 1, 2 }, function(id) return api:get("/" .. id) end)'
    lacks 'return aggr.each(aggr.lines("-"), function(id) return api:get("/" .. id) end, { limit = 2 })'
    lacks 'return aggr.all { a = function() return api:get("/a") end }'
    lacks 'return aggr.group(function(g) local t = g:spawn(function() return api:get("/a") end) return t:wait() end)'
    lacks 'local function a() return api:get("/a") end local function b() return a() end return pcall(b)'
    lacks 'return (function() return api:get("/a") end)()'
  end)

  it("is none when one is given, or may be", function()
    has 'return aggr.fetch("http://h", { deadline = 2 })'
    has 'return aggr.fetch("http://h", { deadline = arg[1] })'
    has 'return aggr.fetch { url = "http://h", deadline = "2s" }'
    has 'local slow = aggr.client { deadline = 5 } return slow:get("http://h")'
    has 'local name = "deadline" return aggr.fetch("http://h", { [name .. ""] = 2 })'
    has 'local opts = {} opts.deadline = 2 return aggr.fetch("http://h", opts)'
    has 'return aggr.fetch("http://h", make_options())'
    has 'return aggr.fetch(make_request())'
    has 'local slow = aggr.client(make_options()) return slow:get("http://h")'
    has 'return aggr.all({ a = "http://h" }, { deadline = 5 })'
    has 'return aggr.all({ a = "http://h" }, make_options())'
    has 'return aggr.all({ "/a" }, { client = aggr.client { deadline = 5 } })'
    has 'return aggr.all({ { url = "/a", deadline = 2 } }, { client = api })'
    has 'return aggr.map({ 1 }, function() return api:get("/a") end, { deadline = 2 })'
    has 'return aggr.deadline(5, function() return api:get("/a") end)'
    has 'return aggr.deadline(5, aggr.fetch, "http://h")'
    has 'return aggr.shield(5, function() return api:get("/a") end)'
    has 'aggr.defer(function() api:delete("/lock") end)'
    has 'local function load() return api:get("/a") end return aggr.deadline(5, load)'
    has('local function load() return api:get("/a") end\n'
      .. "return aggr.all({ load, function() return load() end }, { deadline = 2 })")
  end)

  it("is none when nothing is sure to call it, or what is called is not known", function()
    has 'local function unused() return api:get("/a") end'
    has 'return { load = function() return api:get("/a") end }'
    has 'some_library(function() return api:get("/a") end)'
    has 'local function f(client) return client:get("/a") end return f(api)'
    has 'api = other() return api:get("/a")'
  end)

  it("is none in a module that another checked file requires", function()
    local helper = 'local aggr = require "aggr"\nreturn aggr.fetch("http://h"):json()'
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    local file = assert(io.open(folder .. "/helper.lua", "w"))
    file:write(helper)
    file:close()
    local alone = check.codes { [folder .. "/helper.lua"] = helper }
    local both = check.codes { [folder .. "/helper.lua"] = helper, [folder .. "/main.lua"] = "return require 'helper'" }
    os.execute("rm -r " .. folder)
    assert.same({ "no-deadline 2:8" }, alone)
    assert.same({}, both)
  end)
end)
