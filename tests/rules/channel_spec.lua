--- aggr.channel, and R10 on it: nothing taken is lost.
local aggr = require "aggr"
local support = require "rules.support"

local raised, usage = support.raised, support.usage

local RACES = os.getenv "AGGR_TEST_GC" and 1000 or 10000

describe("a channel", function()
  it("hands values over first in, first out", function()
    local ch = aggr.channel(10)
    for i = 1, 10 do ch:send(i) end
    for i = 1, 10 do assert.equal(i, ch:recv()) end
  end)

  it("carries false", function()
    local ch = aggr.channel(1)
    ch:send(false)
    assert.is_false(ch:recv())
    aggr.group(function(g)
      local t = g:spawn(function() return ch:recv() end)
      aggr.sleep(1)
      ch:send(false)
      assert.is_false(t:wait())
    end)
  end)

  it("makes a sender wait while it is full, and serves senders in order", function()
    local ch, sent = aggr.channel(1), {}
    aggr.group(function(g)
      for i = 1, 4 do
        g:spawn(function()
          ch:send(i)
          sent[#sent + 1] = i
        end)
      end
      aggr.sleep(1)
      assert.same({ 1 }, sent)
      for i = 1, 4 do assert.equal(i, ch:recv()) end
    end)
    assert.same({ 1, 2, 3, 4 }, sent)
  end)

  it("with capacity 0 makes a sender wait for its receiver", function()
    local ch, sent = aggr.channel(0), false
    aggr.group(function(g)
      g:spawn(function()
        ch:send("x")
        sent = true
      end)
      aggr.sleep(1)
      assert.is_false(sent)
      assert.equal("x", ch:recv())
      aggr.sleep(1)
      assert.is_true(sent)
    end)
  end)

  it("serves waiting receivers in order", function()
    local ch, got = aggr.channel(), {}
    aggr.group(function(g)
      for i = 1, 3 do g:spawn(function() got[i] = ch:recv() end) end
      aggr.sleep(1)
      for _, v in ipairs { "a", "b", "c" } do ch:send(v) end
    end)
    assert.same({ "a", "b", "c" }, got)
  end)

  it("is iterable until it is closed and empty", function()
    local ch, got = aggr.channel(3), {}
    aggr.group(function(g)
      g:spawn(function()
        for i = 1, 7 do ch:send(i) end
        ch:close()
      end)
      for value in ch do got[#got + 1] = value end
    end)
    assert.same({ 1, 2, 3, 4, 5, 6, 7 }, got)
    assert.is_nil(ch:recv())
  end)

  it("wakes waiting receivers with nil when it is closed", function()
    local ch, woken = aggr.channel(), 0
    aggr.group(function(g)
      for _ = 1, 3 do
        g:spawn(function()
          assert.is_nil(ch:recv())
          woken = woken + 1
        end)
      end
      aggr.sleep(1)
      ch:close()
    end)
    assert.equal(3, woken)
    ch:close()
  end)

  it("still delivers what senders waited with when it was closed", function()
    local ch, got = aggr.channel(0), {}
    aggr.group(function(g)
      g:spawn(ch.send, ch, "a")
      g:spawn(ch.send, ch, "b")
      aggr.sleep(1)
      ch:close()
      for value in ch do got[#got + 1] = value end
    end)
    assert.same({ "a", "b" }, got)
  end)

  it("refuses nil, a send after close, calls with a dot and a bad capacity", function()
    local ch = aggr.channel(1)
    usage("nil", ch.send, ch, nil)
    usage("colon", ch.send, 1)
    usage("colon", ch.recv)
    ch:close()
    usage("closed", ch.send, ch, 1)
    usage("capacity", aggr.channel, -1)
    usage("capacity", aggr.channel, "big")
  end)

  it("lets other tasks run although it never has to wait (R33)", function()
    local ch, others = aggr.channel(1), 0
    aggr.group(function(g)
      g:spawn(function() others = others + 1 end)
      for i = 1, 200 do
        ch:send(i)
        ch:recv()
      end
      assert.equal(1, others)
    end)
  end)

  it("R9: a send or recv in a cancelled scope raises on entry and moves nothing", function()
    local ch = aggr.channel(2)
    ch:send(1)
    raised(aggr.deadline, 0, function() ch:recv() end)
    raised(aggr.deadline, 0, function() ch:send(2) end)
    assert.equal(1, ch:recv())
    ch:close()
    assert.is_nil(ch:recv())
  end)

  it("forgets a receiver that was cancelled: the value goes to the next", function()
    local ch, got = aggr.channel(), nil
    aggr.group(function(g)
      local first = g:spawn(function() return ch:recv() end)
      g:spawn(function() got = ch:recv() end)
      aggr.sleep(1)
      first:cancel()
      ch:send("x")
      assert.equal("running", first.state)
    end)
    assert.equal("x", got)
  end)

  it("forgets a sender that was cancelled: its value was never sent", function()
    local ch = aggr.channel(0)
    aggr.group(function(g)
      local first = g:spawn(ch.send, ch, "lost")
      g:spawn(ch.send, ch, "kept")
      aggr.sleep(1)
      first:cancel()
      assert.equal("kept", ch:recv())
    end)
  end)

  it("R10: of 10,000 races between a value and a cancellation none loses the value", function()
    local ch = aggr.channel()
    local received, sent, cancelled = 0, 0, 0
    for i = 1, RACES do
      aggr.group(function(g)
        local t = g:spawn(function()
          ch:recv()
          received = received + 1
        end)
        aggr.sleep(0)
        local function send()
          g:spawn(function()
            aggr.deadline(1, ch.send, ch, i)
          end)
        end
        if i % 2 == 0 then
          t:cancel()
          g:spawn(function() received = received + (ch:recv() and 1 or 0) end)
          aggr.sleep(0)
          send()
        else
          send()
          aggr.sleep(0)
          t:cancel()
        end
        sent = sent + 1
        aggr.sleep(0)
        if t.state == "cancelled" then cancelled = cancelled + 1 end
      end)
    end
    assert.equal(sent, received)
    assert.equal(RACES / 2, cancelled)
  end)

  it("does not grow with receivers that gave up", function()
    local ch = aggr.channel()
    local function give_up() aggr.try(aggr.deadline, 0.001, ch.recv, ch) end
    for _ = 1, 100 do give_up() end
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    for _ = 1, 2000 do give_up() end
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 64)
  end)
end)

describe("aggr.try", function()
  it("gives the values of a function, or nil and the Error", function()
    assert.same({ 1, 2 }, { aggr.try(function(a, b) return a, b end, 1, 2) })
    local value, err = aggr.try(error, "boom")
    assert.is_nil(value)
    assert.equal("script", err.kind)
    assert.equal("boom", err.value)
  end)

  it("does not swallow a cancellation (R11)", function()
    local went_on = false
    raised(aggr.deadline, 1, function()
      aggr.try(aggr.sleep, 9)
      went_on = true
    end)
    assert.is_false(went_on)
  end)

  it("refuses what is neither a function nor a source", function()
    usage("aggr.try takes a function or a source", function() aggr.try(12) end)
  end)
end)
