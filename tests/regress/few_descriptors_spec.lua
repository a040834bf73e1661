--- With a handful of open files allowed the run aborted, or called every server unreachable.
local support = require "e2e.support"

describe("with fewer open files than a run takes", function()
  for _, allowed in ipairs { 5, 9, 12, 15 } do
    it(("(%d) it says so"):format(allowed), function()
      local result = support.command { "sh", "-c",
        ("ulimit -n %d; exec %s run -e 'return 1'"):format(allowed, support.bin) }
      assert.equal(2, result.code)
      assert.equal(("aggr: cannot start: %d open files are allowed, it takes 16 (ulimit -n)\n"):format(allowed),
        result.err)
    end)
  end

  for _, http in ipairs { "auto", "1.1" } do
    it("many ways to connect do not use them up: http = " .. http, function()
      local fixture = support.fixture()
      local path = support.file(([[
        local aggr = require "aggr"
        local list = {}
        for i = 1, 120 do list[i] = "h" .. i .. ".test" end
        local _, report = aggr.map(list, function(name)
          return aggr.fetch(%q, { tls = { ca = %q }, http = %q, resolve = { [name] = "127.0.0.1" } }).status
        end)
        return report.succeeded, report]]):format(fixture:tls_url("/json"), fixture.certs .. "/ca.pem", http), ".lua")
      local result = support.command({ "sh", "-c",
        ("ulimit -n 40; exec %s run --stall 0 %s"):format(support.bin, path) }, { limit = 60 })
      assert.same({ 0, "120\n" }, { result.code, result.out }, result.err)
    end)
  end

  it("it works with as many as it takes", function()
    local code = ("return aggr.fetch(%q).status"):format(support.fixture():url("/json"))
    local result = support.command { "sh", "-c",
      ("ulimit -n 16; exec %s run -q -e '%s'"):format(support.bin, code) }
    assert.same({ 0, "200\n" }, { result.code, result.out }, result.err)
  end)
end)
