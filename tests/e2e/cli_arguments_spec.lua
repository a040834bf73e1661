--- The command line: commands, options, help, and what it says to those who mistype.
local support = require "e2e.support"

local function run(...)
  return support.aggr({ "run", ... })
end

local function refused(result, text)
  assert.equal(2, result.code, result.err)
  assert.equal("", result.out)
  assert.equal("aggr: " .. text .. "\n", result.err)
end

describe("aggr", function()
  it("prints its version", function()
    for _, word in ipairs { "version", "--version", "-V" } do
      local result = support.aggr { word }
      assert.equal(0, result.code)
      assert.truthy(result.out:match("^aggr %d+%.%d+%.%d+\n$"))
    end
  end)

  it("explains itself on stderr and exits 2 without a command", function()
    local result = support.aggr {}
    assert.equal(2, result.code)
    assert.equal("", result.out)
    assert.truthy(result.err:find("aggr run", 1, true))
  end)

  it("suggests a command for a misspelt one", function()
    refused(support.aggr { "runn", "x.lua" }, "unknown command 'runn', did you mean 'run'?")
    refused(support.aggr { "pipeline.lua" },
      "unknown command 'pipeline.lua', did you mean 'aggr run pipeline.lua'?")
    refused(support.aggr { "help", "versio" }, "unknown command 'versio', did you mean 'version'?")
  end)

  it("says so when help has nowhere to go", function()
    local result = support.aggr({ "help" }, { stdout = "/dev/full" })
    assert.equal(8, result.code)
    assert.truthy(result.err:find("No space left", 1, true))
  end)
end)

describe("aggr help", function()
  it("names every option of run and its environment variable", function()
    local help = support.aggr { "help", "run" }
    assert.equal(0, help.code)
    for _, name in ipairs { "concurrency", "per-host", "timeout", "deadline", "set", "settings", "format",
      "pretty", "out", "envelope", "partial-ok", "log-level", "log-format", "color", "quiet", "verbose",
      "no-strict", "allow-ffi" } do
      assert.truthy(help.out:find("--" .. name, 1, true), name)
    end
    assert.truthy(help.out:find("[AGGR_PER_HOST]", 1, true))
    assert.equal(help.out, support.aggr({ "run", "--help" }).out)
    assert.equal(help.out, support.aggr({ "run", "-h" }).out)
  end)

  it("lists the commands", function()
    for _, word in ipairs { "help", "--help", "-h" } do
      local result = support.aggr { word }
      assert.equal(0, result.code)
      for _, command in ipairs { "aggr run", "aggr version", "aggr help" } do
        assert.truthy(result.out:find(command, 1, true))
      end
    end
  end)
end)

describe("the options of aggr run", function()
  it("stand before or after the script", function()
    local path = support.file("return { ... }", ".lua")
    assert.equal('[\n  "a"\n]\n', run("--pretty", path, "a").out)
    assert.equal('[\n  "a"\n]\n', run(path, "--pretty", "a").out)
    assert.equal('[\n  "a"\n]\n', run(path, "a", "--pretty").out)
  end)

  it("end at --", function()
    local path = support.file("return { ... }", ".lua")
    assert.equal('["--pretty","-x"]\n', run(path, "--", "--pretty", "-x").out)
    assert.equal('["x"]\n', run("--", path, "x").out)
  end)

  it("take their value with = or a space, letters together or apart", function()
    assert.equal("1\n2\n", run("--format=ndjson", "-e", "return {1,2}").out)
    assert.equal("1\n2\n", run("--format", "ndjson", "-ereturn {1,2}").out)
    assert.equal("1\n", run("-qve", "return 1").out)
  end)

  it("make every word an argument under -e, wherever it stands", function()
    assert.equal('["a","b"]\n', run("a", "-e", "return { ... }", "b").out)
  end)

  it("suggest the right one for a misspelt one", function()
    refused(run("--timout", "2", "-e", "return 1"), "unknown option '--timout', did you mean '--timeout'?")
    refused(run("-e", "return 1", "--formt=json"), "unknown option '--formt', did you mean '--format'?")
    refused(run("x.lua", "-Z"),
      "unknown option '-Z' ('aggr help run' lists them; what follows '--' goes to the script)")
  end)

  it("refuse a value that is none", function()
    refused(run("--timeout", "soon", "-e", ""),
      "--timeout must be a duration above zero such as 2 or 200ms or 5m, got 'soon'")
    refused(run("--deadline", "0", "-e", ""),
      "--deadline must be a duration above zero such as 2 or 200ms or 5m, got '0'")
    refused(run("--max-slice", "never", "-e", ""),
      "--max-slice must be a duration such as 2 or 200ms or 5m, or 0 for no limit, got 'never'")
    refused(run("--max-stall", "0", "-e", ""),
      "--max-stall must be a duration above zero such as 2 or 200ms or 5m, got '0'")
    refused(run("--concurrency", "0", "-e", ""),
      "--concurrency must be a whole number from 1 to 9999999, got '0'")
    refused(run("--per-host=many", "-e", ""),
      "--per-host must be a whole number from 1 to 9999999, got 'many'")
    refused(run("--format", "yaml", "-e", ""), "--format must be one of json|ndjson|raw, got 'yaml'")
    refused(run("--set", "limit", "-e", ""), "--set takes KEY=VALUE, got 'limit'")
    refused(run("--out=", "-e", ""), "--out needs a value, got an empty one")
    refused(run("--pretty=yes", "-e", ""), "--pretty takes no value")
    refused(run("-e"), "-e needs a value: -e CODE")
    refused(run("x.lua", "--out"), "--out needs a value: --out FILE")
  end)

  it("need a script", function()
    refused(run(), "run needs a script: aggr run SCRIPT, aggr run - for stdin, or aggr run -e CODE")
  end)

  it("come from the environment too, and the command line goes first", function()
    local code = { "run", "-e", "return {1,2}" }
    assert.equal("1\n2\n", support.aggr(code, { env = { AGGR_FORMAT = "ndjson" } }).out)
    code[4] = "--format=json"
    assert.equal("[1,2]\n", support.aggr(code, { env = { AGGR_FORMAT = "ndjson" } }).out)
    assert.equal("[\n  1,\n  2\n]\n", support.aggr(code, { env = { AGGR_PRETTY = "1" } }).out)
    assert.equal("[1,2]\n", support.aggr(code, { env = { AGGR_PRETTY = "0" } }).out)
  end)

  it("name the environment variable whose value is none", function()
    refused(support.aggr({ "run", "-e", "return 1" }, { env = { AGGR_TIMEOUT = "soon" } }),
      "AGGR_TIMEOUT must be a duration above zero such as 2 or 200ms or 5m, got 'soon'")
    refused(support.aggr({ "run", "-e", "return 1" }, { env = { AGGR_PRETTY = "maybe" } }),
      "AGGR_PRETTY must be 1 or 0, got 'maybe'")
  end)

  it("cannot smuggle control characters into a message", function()
    local result = run("--\27[31mred", "-e", "")
    assert.falsy(result.err:find("\27", 1, true))
  end)
end)
