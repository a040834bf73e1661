--- --out /dev/stdout with a pipe behind it put a file in the place of the link, and nothing came out.
local support = require "e2e.support"

describe("--out", function()
  it("writes to the pipe that a link into /proc/self/fd leads to, and leaves the link", function()
    local link = support.folder() .. "/stdout"
    assert.equal(0, support.command({ "ln", "-s", "/proc/self/fd/1", link }).code)
    local result = support.aggr { "run", "--out", link, "-e", "return 1" }
    assert.same({ 0, "1\n" }, { result.code, result.out }, result.err)
    assert.equal(0, support.command({ "test", "-L", link }).code)
  end)

  it("and aggr.write do so alike", function()
    local link = support.folder() .. "/stdout-too"
    assert.equal(0, support.command({ "ln", "-s", "/proc/self/fd/1", link }).code)
    local result = support.script('require("aggr").write(..., "text")', { args = { link } })
    assert.same({ 0, "text" }, { result.code, result.out }, result.err)
  end)
end)
