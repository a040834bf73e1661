--- Messages held a URL of 300 kB in full.
local support = require "e2e.support"

describe("a message", function()
  local function message(code)
    local result = support.aggr({ "run", "-e", code }, { env = { TOKEN = ("t0ken"):rep(40) } })
    assert.is_true(result.code == 1 or result.code == 4, result.code)
    return result.err:match("^[^\n]*")
  end

  it("shows a very long bad URL shortened, and says what is wrong with it", function()
    local text = message("aggr.fetch('http://user:secret@127.0.0.1:1/' .. ('x'):rep(300000))")
    assert.is_true(#text < 500, #text)
    assert.truthy(text:find("'http://user:***@127.0.0.1:1/xxx", 1, true), text)
    assert.truthy(text:find("xxx...': bad URL: longer than 64 KiB", 1, true), text)
  end)

  it("shows a very long good URL shortened, and the Error keeps it", function()
    local text = message("aggr.fetch('http://127.0.0.1:1/' .. ('x'):rep(30000))")
    assert.is_true(#text < 500, #text)
    assert.truthy(text:find("xxx... cannot connect", 1, true) or text:find("xxx... connection refused", 1, true), text)
    local kept = support.value [[
      local aggr = require "aggr"
      local _, err = aggr.try(aggr.fetch, "http://127.0.0.1:1/" .. ("x"):rep(30000))
      return #err.url]]
    assert.equal(30019, kept)
  end)

  it("hides a secret that the cut goes through", function()
    local text = message("local x = 'x' \n"
      .. "aggr.fetch('http://127.0.0.1:1/' .. x:rep(200) .. aggr.secret 'TOKEN' .. x:rep(30000))")
    assert.truthy(text:find("***", 1, true), text)
    assert.falsy(text:find("t0ken", 1, true), text)
  end)

  it("does not cut characters in two", function()
    local text = message("aggr.fetch('http://127.0.0.1:1/?' .. ('€'):rep(30000))")
    assert.falsy(text:find("€[\128-\255][\128-\255]?%.%.%."), text)
    assert.truthy(text:find("€...", 1, true), text)
  end)

  it("about other long names is shortened as a whole", function()
    for _, code in ipairs {
      "aggr.fetch('http://127.0.0.1:1/', { [('a'):rep(300000)] = 1 })",
      "aggr.fetch('http://127.0.0.1:1/', { headers = { [('a'):rep(300000)] = 'a\\nb' } })",
      "aggr.secret(('a'):rep(300000))",
      "return aggr[('a'):rep(300000)]",
    } do
      local text = message(code)
      assert.is_true(#text < 1200, #text)
      assert.truthy(text:find("aaa%.%.%.$"), text)
    end
  end)
end)
