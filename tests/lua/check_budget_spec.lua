--- Deadlines into which rounds, retries and time-outs do not fit.
local check = require "lua.support.check"

local HEAD = [[
local aggr = require "aggr"
local api = aggr.client { base = "http://h", timeout = 2, retry = 2 }
]]

local function messages(text)
  local list = {}
  for _, finding in ipairs(check.findings(HEAD .. text)) do
    if finding.code == "over-budget" then list[#list + 1] = finding.message end
  end
  return list
end

local function is_over(message, text) assert.same({ message }, messages(text), text) end
local function fits(text) assert.same({}, messages(text), text) end

local function twenty(item)
  return "{ " .. (item .. ", "):rep(20) .. "}"
end

describe("a deadline that is over budget", function()
  it("is found for sources, in rounds and with retries", function()
    is_over("20 sources, limit 10, 2 s, 2 retries: up to 12 s + back-off, over your 5 s deadline",
      "return aggr.all(" .. twenty '"/a"' .. ", { client = api, limit = 10, deadline = 5 })")
    is_over("2 sources, limit 64, 2 s, 2 retries: up to 6 s + back-off, over your 5 s deadline",
      'return aggr.all({ a = "/a", b = { url = "/b" } }, { client = api, deadline = "5s" })')
    is_over("3 sources, limit 2, 1.5 s each: up to 3 s, over your 2.5 s deadline",
      'return aggr.first({ "http://a", "http://b", "http://c" }, { limit = 2, timeout = "1500ms", deadline = 2.5 })')
    is_over("20 sources, limit 10, 10 s each: up to 20 s, over your 15 s deadline",
      "return aggr.all(" .. twenty '"http://h"' .. ", { limit = 10, deadline = 15 })")
  end)

  it("counts what is sure only", function()
    is_over("2 sources, limit 1, 2 s each: up to 4 s, over your 3 s deadline",
      'return aggr.all({ { url = "/a", retry = false }, { url = "/b", retry = 0 } }, '
      .. "{ client = api, limit = 1, deadline = 3 })")
    fits('return aggr.all({ { url = "http://a", timeout = 1 }, { url = "http://b", timeout = 3 } }, '
      .. "{ limit = 1, deadline = 5 })")
    fits('return aggr.all({ "/a", other, another }, { client = api, limit = 1, deadline = 10 })')
  end)

  it("is found behind names", function()
    is_over("2 sources, limit 1, 2 s, 2 retries: up to 12 s + back-off, over your 5 s deadline",
      'local n, s, sources = 1, 5, { "/a", "/b" }\nlocal opts = { client = api, limit = n, deadline = s }\n'
      .. "return aggr.all(sources, opts)")
  end)

  it("is found for functions that send a request before anything else", function()
    is_over("2 sources, limit 64, 2 s, 2 retries: up to 6 s + back-off, over your 5 s deadline",
      'return aggr.all({ function() return api:json("/a").b end, function() local x = api:get("/b") return x end }, '
      .. "{ deadline = 5 })")
    is_over("3 items, limit 1, 2 s, 2 retries: up to 18 s + back-off, over your 10 s deadline",
      'return aggr.map({ 1, 2, 3 }, function(id) return api:json("/" .. id) end, { limit = 1, deadline = 10 })')
    is_over("1 of 2 sources, limit 64, 2 s, 2 retries: up to 6 s + back-off, over your 5 s deadline",
      'return aggr.all({ a = function() return api:get("/a") end, b = other }, { deadline = 5 })')
  end)

  it("is found for one request and for a client", function()
    is_over("2 s, 2 retries: up to 6 s + back-off, over your 5 s deadline", 'return api:get("/a", { deadline = 5 })')
    is_over("3 s, 1 retry: up to 6 s + back-off, over your 5 s deadline",
      'return aggr.fetch { url = "http://h", timeout = 3, retry = { attempts = 1 }, deadline = 5 }')
    is_over("2 s, 2 retries: up to 6 s + back-off, over your 5 s deadline",
      "return aggr.client { timeout = 2, retry = {}, deadline = 5 }")
  end)
end)

describe("a deadline is within budget", function()
  it("when all of it fits", function()
    fits("return aggr.all(" .. twenty '"/a"' .. ", { client = api, limit = 10, deadline = 12 })")
    fits('return aggr.all({ "/a", "/b" }, { client = api, deadline = 6 })')
    fits('return aggr.all({ { url = "/a", timeout = 1 }, { url = "/b", retry = 1 } }, { client = api, deadline = 5 })')
    fits('return aggr.all({ "/a" }, { client = api, timeout = 1, deadline = 5 })')
    fits('return api:get("/a", { deadline = 5, retry = false })')
    fits('return aggr.all({ { url = "/a", deadline = 1 } }, { client = api, deadline = 5 })')
  end)

  it("when there is one attempt in one round, which the deadline cuts", function()
    fits 'return aggr.all({ a = "http://h", b = "http://h" }, { deadline = 5 })'
    fits 'return aggr.fetch("http://h", { timeout = 20, deadline = 5 })'
  end)

  it("when a method is not repeated", function()
    fits 'return aggr.all({ { url = "/a", method = "POST" } }, { client = api, deadline = 5 })'
    fits 'return api:post("/a", { deadline = 5 })'
    is_over("2 s, 2 retries: up to 6 s + back-off, over your 5 s deadline", 'return api:put("/a", { deadline = 5 })')
  end)

  it("when a piece is not known", function()
    local cfg = "local cfg = aggr.settings { n = { 5 } }\n"
    fits(cfg .. 'return aggr.all({ "/a" }, { client = api, deadline = cfg.n })')
    fits(cfg .. "return aggr.all(" .. twenty '"http://h"' .. ", { limit = cfg.n, deadline = 5 })")
    fits(cfg .. 'return aggr.all({ "/a" }, { client = api, timeout = cfg.n, deadline = 5 })')
    fits(cfg .. 'return aggr.all({ { url = "/a", retry = cfg.n } }, { client = api, deadline = 5 })')
    fits(cfg .. "local c = aggr.client { timeout = cfg.n, retry = 2 }\n"
      .. 'return aggr.all({ "/a" }, { client = c, deadline = 5 })')
    fits('local sources = { "http://h" } for i = 2, 9 do sources[i] = "http://h" end\n'
      .. "return aggr.all(sources, { limit = 1, deadline = 5, timeout = 1 })")
    fits 'return aggr.all({ "/a" }, { client = client, deadline = 5 })'
    fits 'return aggr.all({ unpack(urls) }, { client = api, deadline = 5 })'
    fits 'return aggr.all({ "/a" }, { client = api, timeout = false, deadline = 5 })'
    fits 'return aggr.map({ 1 }, function(i) if i then return end return api:get("/a") end, { deadline = 5 })'
    fits 'return aggr.map({ 1 }, function(i) return i or api:get("/a") end, { deadline = 5 })'
    fits 'return aggr.map(ids, function() return api:get("/a") end, { limit = 1, deadline = 5 })'
  end)

  it("when a scope outside may give another time-out", function()
    local inner = 'function() return aggr.all({ "/a" }, { client = api, deadline = 5 }) end'
    fits("return aggr.map({ 1 }, " .. inner .. ", { timeout = 1 })")
    is_over("1 source, limit 64, 2 s, 2 retries: up to 6 s + back-off, over your 5 s deadline",
      "return aggr.map({ 1 }, " .. inner .. ")")
  end)
end)
