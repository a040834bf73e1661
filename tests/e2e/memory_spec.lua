--- Short runs over every way a request can end, few enough for valgrind.
local support = require "e2e.support"

describe("memory #valgrind", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()

  local function run(code)
    return support.script('local aggr = require "aggr"\nlocal base = arg[1]\n' .. code,
      { args = { fixture:url("") }, flags = { "--partial-ok" } })
  end

  it("is clean after answers, failures and cancels", function()
    local got = run [[
      local paths = { "/json", "/gzip", "/br", "/zstd", "/chunked", "/status/500", "/truncate", "/reset?phase=body",
        "/redirect?hops=2", "/gzip?mode=cut", "/headers?count=1100", "/raw?data=junk" }
      local data, report = aggr.all((function()
        local sources = {}
        for i, path in ipairs(paths) do sources[i] = { url = base .. path, as = "body" } end
        return sources
      end)(), { deadline = 10 })
      aggr.first { base .. "/json", base .. "/hang?phase=head", base .. "/hang?phase=body" }
      aggr.try(aggr.deadline, 0.05, aggr.fetch, base .. "/hang?phase=head")
      aggr.try(aggr.fetch, { url = base .. "/hang?phase=body", timeout = 0.05 })
      return report.succeeded
    ]]
    assert.equal(0, got.code, got.err)
    assert.truthy(tonumber(got.out) >= 6, got.out)
  end)

  it("is clean when the script fails, with tasks under way", function()
    local got = run [[
      aggr.group(function(g)
        for i = 1, 5 do g:spawn(aggr.fetch, base .. "/hang?phase=head") end
        aggr.fetch(base .. "/json")
        error("boom")
      end)
    ]]
    assert.equal(1, got.code, got.err)
    assert.truthy(got.err:find("boom", 1, true))
  end)
end)
