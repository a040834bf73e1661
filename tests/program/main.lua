--- The main task of aggr-test: runs busted on the spec files named on the command line.
local testing, words = ...

testing.raw_require = testing.require("prelude.require").raw
testing.require("prelude.native").allow() -- busted asks for ffi
package.preload["aggr.testing"] = function() return testing end

_G.arg = words
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
table.insert(words, 1, "--helper=" .. here .. "/helper.lua")
table.insert(words, 2, "--ignore-lua") -- .busted names one; specs run in this program
table.insert(words, 3, "--output=plainTerminal")

-- busted ends a program by exiting; here it ends the main task.
local EXIT = {}
local code = 0
require("busted.compatibility").exit = function(status)
  code = status == 0 and 0 or 1
  error(EXIT, 0)
end

local ok, err = pcall(function()
  require "busted.runner" { standalone = false }
end)
if not ok and err ~= EXIT then error(err, 0) end
return code
