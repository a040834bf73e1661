local core = require "lua.support.core"
local raised = core.raised

describe("aggr.errors", function()
  local errors, mask

  before_each(function()
    core.reset()
    errors, mask = require "aggr.errors", require "aggr.mask"
  end)

  it("makes one line of an Error", function()
    local err = errors.new("timeout", "no byte for 2.0 s", {
      where = "p.lua:14", url = "http://h/x", method = "PUT", phase = "wait",
    })
    assert.are.equal("p.lua:14: timeout: PUT http://h/x no byte for 2.0 s (wait)", tostring(err))
    assert.are.equal("see " .. tostring(err), "see " .. err)
    assert.are.equal("script: a b", tostring(errors.new("script", "a\nb")))
  end)

  it("places usage errors at the script's line", function()
    local err = raised(function() errors.usage(1, "bad %s", "x%") end)
    assert.truthy(err.where:find("errors_spec.lua:%d+$"))
    assert.are.equal("bad x%", err.message)
    assert.are.equal("usage", err.kind)
  end)

  it("asks the fallback for a place when no script frame is left", function()
    errors.set_fallback(function() return "p.lua:3" end)
    local co = coroutine.create(errors.usage)
    local _, err = coroutine.resume(co, 1, "bad")
    assert.are.equal("p.lua:3", err.where)
  end)

  it("hides secrets and passwords wherever they stand", function()
    mask.add("s3cr%t")
    mask.add("a b")
    local err = errors.new("connect", "to s3cr%t and a%20b", { url = "http://me:pw@h/?k=s3cr%25t", hint = "s3cr%t" })
    assert.are.equal("to *** and ***", err.message)
    assert.are.equal("http://me:***@h/?k=***", err.url)
    assert.are.equal("***", err.hint)
    err.source = "s3cr%t"
    err.message = "s3cr%t"
    assert.are.equal("connect: GET http://me:***@h/?k=*** ***", tostring(err))
    assert.are.equal("http://***@h/ mail@x", mask.text("http://token@h/ mail@x"))
    assert.are.equal("http://me:***@h/", mask.text("http://me:p'w@d@h/"))
    mask.add("")
    assert.are.equal("abc", mask.text("abc"))
  end)

  it("hides secrets that are cut short or escaped where they are shown", function()
    local encoder = require "aggr.encoder"
    local long, odd = ("k"):rep(60), 'a"b\\c\n\255'
    mask.add(long)
    mask.add(odd)
    assert.are.equal("'***'", errors.show(long))
    assert.are.equal("bad ***", raised(errors.usage, 1, "bad %s", odd).message)
    assert.are.equal('{"t":"***"}', mask.text(encoder.encode({ t = odd }, false)))
    local err = errors.wrap("p.lua:1: " .. long)
    err.source = long
    local text = encoder.encode({ err }, false)
    assert.falsy(text:find("kk", 1, true), text)
  end)

  it("wraps what is not an Error once", function()
    local err = errors.wrap("p.lua:3: boom")
    assert.are.same({ "script", "boom", "p.lua:3", "p.lua:3: boom" }, { err.kind, err.message, err.where, err.value })
    assert.are.equal(err, errors.wrap(err))
    assert.are.equal("error object is a table", errors.wrap({}).message)
    assert.are.equal("error object is nil", errors.wrap(nil).message)
    local meta = { __tostring = function() return "mine" end }
    assert.are.equal("mine", errors.wrap(setmetatable({}, meta)).message)
  end)

  it("notes suppressed errors in order, never itself, none twice", function()
    local a, b, c = errors.wrap "a", errors.wrap "b", errors.wrap "c"
    for _, other in ipairs { b, a, c, b, c } do errors.suppress(a, other) end
    assert.are.same({ b, c }, a.suppressed)
    errors.suppress(a, nil)
    assert.are.equal(2, #a.suppressed)
  end)

  it("shows values as people know them", function()
    assert.are.equal("'a\\10b'", errors.show "a\nb")
    assert.are.equal("'" .. ("x"):rep(37) .. "...'", errors.show(("x"):rep(41)))
    assert.are.equal("a table", errors.show {})
    assert.are.equal("an Error", errors.show(errors.wrap "x"))
    assert.are.equal("aggr.null", errors.show(require("aggr.json").null))
    assert.are.equal("12", errors.show(12))
  end)
end)

describe("aggr.tail", function()
  local tail

  before_each(function()
    core.reset()
    tail = require "aggr.tail"
  end)

  local function place(text) return tail.place(assert(loadstring(text, "@p.lua"))) end

  it("names the line of the only tail call", function()
    assert.are.equal("p.lua:2", place "local a = print(1)\nreturn print(a)")
    assert.are.equal("p.lua:2", place "\nreturn print(...)")
  end)

  it("names the file alone where there are several, nothing where there is none", function()
    assert.are.equal("p.lua", place "if ... then\nreturn print(1) end\nreturn print(2)")
    assert.is_nil(place "return 1")
    assert.is_nil(tail.place(print))
    assert.is_nil(tail.place(require("aggr.client").new))
  end)
end)

describe("durations, sizes and option tables", function()
  local duration, size, options

  before_each(function()
    core.reset()
    duration, size, options = require "aggr.duration", require "aggr.size", require "aggr.options"
  end)

  it("are read in the units people write", function()
    for value, seconds in pairs { [2] = 2, ["200ms"] = 0.2, ["2s"] = 2, ["1.5m"] = 90, ["1h"] = 3600 } do
      assert.are.equal(seconds, duration.seconds(value, "timeout"))
    end
    for value, bytes in pairs { [1] = 1, ["64KiB"] = 65536, ["10MiB"] = 10485760, ["1kB"] = 1000 } do
      assert.are.equal(bytes, size.bytes(value, "max_body"))
    end
    assert.is_false(duration.limit(false, "timeout"))
    assert.are.equal(-1, duration.from_now(-1, "deadline"))
  end)

  it("are refused in one line", function()
    for _, value in ipairs { 0, -1, 0 / 0, math.huge, "2", "2 s", "s", "0s", "-1s", true, {}, print } do
      local err = raised(duration.seconds, value, "timeout")
      assert.are.equal("usage", err.kind)
      assert.truthy(err.message:find("^timeout must be "), err.message)
    end
    assert.are.equal("timeout must be more than 0 (false switches it off)",
      raised(duration.limit, 0, "timeout").message)
    for _, value in ipairs { 0, -1, 1.5, 0 / 0, math.huge, "1", "1TiB", "x", true, {} } do
      assert.truthy(raised(size.bytes, value, "max_body").message:find("^max_body must be a size"))
    end
  end)

  it("suggest the nearest known name", function()
    local known = { timeout = true, deadline = true, retry = true, as = true }
    for given, meant in pairs { timout = "timeout", tiemout = "timeout", dead_line = "deadline", Retry = "retry" } do
      assert.are.equal("f: unknown option '" .. given .. "', did you mean '" .. meant .. "'?",
        raised(options.check, { [given] = 1 }, known, "f").message)
    end
    assert.are.equal("f: unknown option 'quux'", raised(options.check, { quux = 1 }, known, "f").message)
    assert.are.same({}, options.check(nil, known, "f"))
  end)
end)
