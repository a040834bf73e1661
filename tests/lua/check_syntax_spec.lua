--- Text as LuaJIT reads it: errors, and what luacheck's parser learns here; comments that allow findings.
local check = require "lua.support.check"
local codes, message = check.codes, check.message

describe("a syntax error", function()
  it("is the only finding, where LuaJIT saw it", function()
    assert.same({ "syntax 2:7" }, codes "print(nothing)\nlocal return = 1\nprint(nothing)")
    assert.equal("'=' expected near 'y'", message "x y")
    assert.same({ "syntax 3:1" }, codes "if print then\n\nfoo")
    assert.same({ "syntax 1:8" }, codes "return 'abc\nreturn 1")
    assert.same({ "syntax 1:1" }, codes(("("):rep(1000)))
  end)

  it("is one in Lua 5.3 and 5.4 only too", function()
    for _, text in ipairs { "return 1 // 2", "return 1 & 2", "local x <close> = 1", "x += 1", "return 1 ~ 2" } do
      assert.equal(1, #codes(text), text)
      assert.truthy(codes(text)[1]:find("^syntax"), text)
    end
  end)

  it("is none in what LuaJIT takes", function()
    for _, text in ipairs {
      "", "\n", "-- only a comment", "return", "goto a ::a::", "do goto continue ::continue:: end",
      "local goto = 1 return goto", "local t = { goto = 1 } return t.goto",
      "return 1LL, 0x1ULL, 2i, 1e3i, 0x1p4, 0b101, 0b1LL",
      "return '\\z   a', '\\x41', '\\u{1F600}', '\\065', 'a\\\nb', [==[\n]]]==]",
      "local ä, aß, endü = 1 return ä, aß, endü",
      "return '\0', '\255'", "local a = 1\r\n\r\nreturn a\r\n", "while true do break end",
      "\f\v\treturn 1",
    } do assert.same({}, codes(text), text) end
  end)
end)

describe("lines and columns", function()
  it("are those of the text, whatever ends its lines", function()
    assert.same({ "undefined-global 3:8" }, codes "local a = 1\r\n\r\nreturn nothing, a\r\n")
    assert.same({ "undefined-global 3:8" }, codes "local a = 1\r\rreturn nothing, a\r")
    assert.same({ "syntax 3:8" }, codes "local a = 1\r\n\r\nreturn ) a\r\n")
  end)
end)

describe("names that stand for themselves", function()
  it("are followed for a while only", function()
    for _, circle in ipairs { "n", "n + n", "-n", "n.x", "n 'aggr'", "n(n)", "{ n }" } do
      local code = "local n\nn = " .. circle .. [[

local aggr = require "aggr"
aggr.fetch(n, { deadline = n, timeout = n, retry = n })
aggr.all(n, { deadline = n, limit = n })
aggr.group(function(g) for i = n, n do g:spawn(n) end end)
n.execute(n)
local api = aggr.client(n)
api:get(n)
n(n)]]
      assert.same({}, codes(code), circle)
      assert.same({}, codes((code:gsub("^local n\n", ""))), circle)
    end
  end)
end)

describe("names that only LuaJIT takes", function()
  it("are looked at as any others", function()
    assert.same({ "undefined-global 2:8" }, codes "local goto = 1\nreturn endü, goto")
    assert.same({ "undefined-global 1:8" }, codes "return ß")
    assert.same({ "undefined-global 1:15" }, codes "return 0b101, nothing")
  end)
end)

describe("a file that nests too deep to be looked at", function()
  it("is still asked for its globals", function()
    assert.same({ "unchecked 1:1", "undefined-global 1:8" }, codes("return nothing" .. (".a"):rep(2000)))
    assert.same({ "undefined-global 1:8" }, codes("return nothing" .. (".a"):rep(200)))
  end)
end)

describe("findings of one file", function()
  it("end at 200, with a note", function()
    local found = codes(("print(nothing)\n"):rep(300))
    assert.equal(201, #found)
    assert.equal("unchecked 200:7", found[201])
  end)
end)

describe("an allowing comment", function()
  it("allows what it names on its line only", function()
    assert.same({}, codes "print(nothing) -- aggr: allow undefined-global")
    assert.same({ "undefined-global 2:7" }, codes "print(nothing) --aggr:allow undefined-global\nprint(nothing)")
    assert.same({}, codes "os.execute(nothing) -- aggr: allow blocking-call, undefined-global")
    assert.same({ "undefined-global 1:12" }, codes "os.execute(nothing) -- aggr: allow blocking-call")
  end)

  it("is none when it says something else, or is text", function()
    assert.same({ "undefined-global 1:7" }, codes "print(nothing) -- aggr: allow")
    assert.same({ "undefined-global 1:7" }, codes "print(nothing, '-- aggr: allow undefined-global')")
    assert.same({ "undefined-global 1:7" }, codes "print(nothing) -- you may aggr: allow undefined-global")
  end)
end)
