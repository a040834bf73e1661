--- --max-buffered: what has come of answers never adds up; whoever waits for it is not timed out.
local cjson = require "cjson"
local nghttpd = require "e2e.nghttpd"
local support = require "e2e.support"

local KiB = 2 ^ 10
local HALF = 100 * KiB  -- of each answer comes at once
local SLIP = 48 * KiB   -- of each of libcurl's transfers comes before it stands still

local FETCH_ALL = [[
  local aggr = require "aggr"
  local url, count, list = arg[1], tonumber(arg[2]), {}
  for i = 1, count do list[i] = i end
  local sizes, report = aggr.map(list, function() return #aggr.fetch(url).body end, { limit = count })
  return sizes, report]]

local function start(url, count, limit, transport)
  return support.start({ "run", "--envelope", "--transport", transport, "--max-buffered", limit, "--stall", "0",
    "--concurrency", "500", "--per-host", "500", "--timeout", "60", support.file(FETCH_ALL, ".lua"), url, count })
end

for _, transport in ipairs { "native", "curl" } do
  describe("answers in flight, with the transport " .. transport, function()
    support.guard(before_each, after_each)

    local fixture = support.fixture()

    --- The peak of `count` requests, `waiting` of whose answers are half there before the rest comes.
    local function fetch_halves(count, limit, waiting)
      local gate = "half" .. limit
      local running = start(fixture:url(("/gate?name=%s&bytes=%d"):format(gate, 2 * HALF)), count, limit, transport)
      fixture:await { gate = gate, waiting = waiting }
      fixture:open(gate)
      local result = running:finish(60)
      assert.equal(0, result.code, result.err)
      local decoded = cjson.decode(result.out)
      assert.equal(count, #decoded.data)
      for _, size in ipairs(decoded.data) do assert.equal(2 * HALF, size) end
      return decoded.run.memory.peak_buffered
    end

    it("take no more than the limit, the one that goes on, and what was under way", function()
      local count, limit = 100, 1024 * KiB
      local peak = fetch_halves(count, "1MiB", 10)
      local slip = transport == "curl" and SLIP * count or 64 * KiB
      assert.is_true(peak <= limit + 2 * HALF + slip, tostring(peak / KiB))
      assert.is_true(peak > limit / 2)
      assert.is_true(fetch_halves(count, "0", count) > limit + 2 * HALF + slip)
    end)

    it("may each be larger than the limit", function()
      local count, size = 100, 1000000
      local got = cjson.decode(start(fixture:url("/bytes?n=" .. size), count, "64KiB", transport):finish(60).out)
      assert.equal(count, #got.data)
      for _, len in ipairs(got.data) do assert.equal(size, len) end
      local peak = got.run.memory.peak_buffered
      assert.is_true(peak < 2 * size + (transport == "curl" and SLIP * count or 0), tostring(peak))
    end)

    it("can be many and small, coded and chunked", function()
      for _, path in ipairs { "/json", "/gzip?n=3000", "/chunked?n=3000&size=7", "/redirect?to=/json" } do
        local got = cjson.decode(start(fixture:url(path), 300, "2KiB", transport):finish(60).out)
        assert.equal(300, #got.data, path)
        assert.is_true(got.report.complete)
      end
    end)

    it("are not timed out for standing still", function()
      local result = support.script(([[
        local aggr = require "aggr"
        local sources, ended = {}, {}
        for i = 1, 3 do
          sources[i] = function()
            local _, err = aggr.try(aggr.fetch, { url = %q, timeout = 0.3, idle_timeout = 0.25 })
            ended[#ended + 1] = err.timing.total
            return err.kind
          end
        end
        local kinds = aggr.all(sources)
        return { kinds = kinds, ended = ended }]]):format(fixture:url("/gate?name=never&bytes=" .. 2 * HALF)),
        { flags = { "--max-buffered", "32KiB", "--transport", transport } })
      assert.equal(0, result.code, result.err)
      local got = cjson.decode(result.out)
      assert.same({ "timeout", "timeout", "timeout" }, got.kinds)
      assert.is_true(got.ended[3] > 0.6, result.out) -- each had its own time, one after the other
    end)

    it("are cancelled as ever, and what is left goes on", function()
      local result = support.script(([[
        local aggr = require "aggr"
        local base = %q
        for _ = 1, 3 do
          aggr.try(aggr.deadline, 0.05, aggr.map, { 1, 2, 3, 4, 5 }, function()
            aggr.fetch(base .. "/gate?name=never&bytes=200000")
          end)
        end
        return #aggr.fetch(base .. "/bytes?n=100000").body]]):format(fixture:url("")),
        { flags = { "--max-buffered", "32KiB", "--transport", transport } })
      assert.equal("100000\n", result.out, result.err)
    end)
  end)
end

describe("answers in flight, in HTTP/2", function()
  local server

  setup(function() server = nghttpd.start { large = ("0123456789"):rep(20000) } end)
  teardown(function() server:stop() end)

  it("come whole; no new request begins while there is too much of them", function()
    local result = support.script([[
      local aggr = require "aggr"
      local list = {}
      for i = 1, 200 do list[i] = i end
      local data, report = aggr.map(list, function()
        return #aggr.fetch { url = arg[1], http = "2", timeout = 30 }.body
      end, { limit = 200 })
      return data, report]],
      { args = { server.base .. "/large" }, limit = 60,
        flags = { "--max-buffered", "64KiB", "--envelope", "--concurrency", "20", "--per-host", "20" } })
    local decoded = cjson.decode(result.out)
    assert.equal(0, decoded.exit, result.err)
    for _, size in ipairs(decoded.data) do assert.equal(200000, size) end
    assert.is_true(decoded.run.memory.peak_buffered <= 20 * 201000 + 64 * KiB)
  end)
end)
