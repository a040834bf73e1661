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

  it("it works with as many as it takes", function()
    local code = ("return aggr.fetch(%q).status"):format(support.fixture():url("/json"))
    local result = support.command { "sh", "-c",
      ("ulimit -n 16; exec %s run -q -e '%s'"):format(support.bin, code) }
    assert.same({ 0, "200\n" }, { result.code, result.out }, result.err)
  end)
end)
