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
end)
