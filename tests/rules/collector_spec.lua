--- How long the collector rests is the runtime's business until a script says otherwise.
local aggr = require "aggr"

describe("the collector's pause", function()
  local function pass() for _ = 1, 3 do aggr.sleep(0) end end

  local function pause()
    local is = collectgarbage("setpause", 100)
    collectgarbage("setpause", is)
    return is
  end

  if os.getenv "AGGR_TEST_GC" then
    it("stays as the program has set it before the first task", function()
      pass()
      assert.equal(0, pause())
    end)
    return
  end

  it("is longer for a small heap than for a large one", function()
    collectgarbage()
    pass()
    local small = pause()
    local held = {}
    for i = 1, 40 do held[i] = ("x"):rep(1024 * 1024 + i) end
    collectgarbage()
    pass()
    assert.equal(175, pause())
    assert.is_true(small > 175, small)
    assert.equal(40, #held)
    held = nil -- luacheck: ignore 311
    collectgarbage()
    pass()
    assert.is_true(pause() > 175)
  end)

  it("stays as a script has set it", function()
    local before = collectgarbage("setpause", 150)
    local held = {}
    for i = 1, 40 do held[i] = ("x"):rep(1024 * 1024 + i) end
    pass()
    collectgarbage()
    pass()
    assert.equal(40, #held)
    assert.equal(150, collectgarbage("setpause", before))
  end)
end)
