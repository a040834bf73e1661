--- --out on a link that leads nowhere yet put a file in the place of the link.
local support = require "e2e.support"

describe("a link as the target of", function()
  local function link(to)
    local path = support.file("", ".link")
    assert.equal(0, support.command({ "ln", "-sfn", to, path }).code)
    return path
  end

  local function is_link(path)
    return support.command({ "test", "-L", path }).code == 0
  end

  local WAYS = {
    ["--out"] = function(path) return support.aggr { "run", "--out", path, "-e", "return 1" } end,
    ["aggr.write"] = function(path)
      return support.script('require("aggr").write(..., "1\\n")', { args = { path } })
    end,
  }

  for way, write in pairs(WAYS) do
    it(way .. " stays; the file it leads to is replaced", function()
      local target = support.file("old")
      local path = link(target)
      assert.equal(0, write(path).code)
      assert.equal("1\n", support.read(target))
      assert.is_true(is_link(path))
    end)

    it(way .. " stays; the file it should lead to is made, over relative links too", function()
      local target = support.file("") .. ".new"
      local path = link((link((target:match("[^/]+$"))):match("[^/]+$")))
      assert.equal(0, write(path).code)
      assert.equal("1\n", support.read(target))
      assert.is_true(is_link(path))
    end)

    it(way .. " is refused when its folder is not there", function()
      local path = link("nowhere/file")
      assert.not_equal(0, write(path).code)
      assert.is_true(is_link(path))
    end)
  end
end)
