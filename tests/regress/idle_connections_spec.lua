--- Connections kept for reuse ate up the open files of a run that asks many hosts.
local support = require "e2e.support"

describe("with 64 open files allowed", function()
  support.guard(before_each, after_each)

  it("a run can ask 200 hosts, twice", function()
    local path = support.file(([[
      local aggr = require "aggr"
      local resolve, sources = {}, {}
      for i = 1, 200 do
        resolve["h" .. i .. ".test"] = "127.0.0.1"
        sources[i] = { url = "http://h" .. i .. ".test:%d/json", as = "body" }
      end
      local api = aggr.client { resolve = resolve }
      local _, first = aggr.all(sources, { client = api, limit = 200 })
      local _, second = aggr.all(sources, { client = api, limit = 200 })
      return { first.succeeded, second.succeeded }]]):format(support.fixture().port), ".lua")
    local result = support.command { "sh", "-c", ("ulimit -n 64; exec %s run -q %s"):format(support.bin, path) }
    assert.same({ 0, "[200,200]\n" }, { result.code, result.out }, result.err)
  end)

  it("a run can ask 200 hosts over both transports in turn", function()
    local fixture = support.fixture()
    local path = support.file(([[
      local aggr = require "aggr"
      local resolve = {}
      for i = 1, 200 do resolve["h" .. i .. ".test"] = "127.0.0.1" end
      local api = aggr.client { resolve = resolve, tls = { verify = false } }
      local found = {}
      for round = 1, 4 do
        local sources = {}
        for i = 1, 200 do
          local plain = (i + round) %% 2 == 0
          sources[i] = { as = "body", url = ("%%s://h%%d.test:%%d/json"):format(plain and "http" or "https", i,
            plain and %d or %d) }
        end
        local _, report = aggr.all(sources, { client = api, limit = 200 })
        found[round] = report.succeeded
      end
      return found]]):format(fixture.port, fixture.ports.good), ".lua")
    local result = support.command({ "sh", "-c",
      ("ulimit -n 64; exec %s run -q --transport auto %s"):format(support.bin, path) }, { limit = 60 })
    assert.same({ 0, "[200,200,200,200]\n" }, { result.code, result.out }, result.err)
  end)
end)
