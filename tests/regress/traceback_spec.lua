--- The traceback under -v had its heading twice.
local support = require "e2e.support"

describe("-v", function()
  it("shows where an error came from, under one heading", function()
    local result = support.script("local function f() error('oh') end\nf() return 1", { flags = { "-v" } })
    local _, headings = result.err:gsub("stack traceback:", "")
    assert.equal(1, headings, result.err)
    assert.truthy(result.err:find("lua:1: in function 'f'\n", 1, true), result.err)
  end)
end)
