--- From synchronous code of other languages: run the program, read JSON and exit code. What the README shows.
local support = require "e2e.support"

local PYTHON = [[
import json, subprocess, sys

def aggregate(script, base, *more):
    run = subprocess.run([AGGR, "run", "--set", "base=" + base, *more, script],
                         capture_output=True, text=True, timeout=30)
    if run.returncode not in (0, 3):                 # 0 complete, 3 partial
        raise RuntimeError(run.stderr.strip())
    return json.loads(run.stdout), run.returncode == 0

AGGR, base = sys.argv[1], sys.argv[2]
data, complete = aggregate("scripts/dashboard.lua", base)
print(data["user"]["name"], len(data["orders"]), complete)
data, complete = aggregate("scripts/best_effort.lua", base, "--set", "deadline=1s")
print(data["rating"], complete)
try:
    aggregate("scripts/dashboard.lua", base, "--set", "user=0")
except RuntimeError as failure:
    print("404" in str(failure))
]]

local SHELL = [[
if json=$("$1" run -q --set "base=$2" scripts/dashboard.lua); then
  echo "complete: $json"
else
  case $? in
  3) echo "partial: $json" ;;
  *) echo "failed with $?"; exit 1 ;;
  esac
fi
]]

describe("synchronous code", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()

  it("in Python gets data, completeness and errors", function()
    local got = support.command({ "python3", support.file(PYTHON, ".py"), support.bin, fixture:url("") })
    assert.equal("User 42 2 True\nunknown False\nTrue\n", got.out, got.err)
  end)

  it("in shell branches on the exit code", function()
    local got = support.command({ "sh", support.file(SHELL, ".sh"), support.bin, fixture:url("") })
    assert.truthy(got.out:find('complete: {"orders":', 1, true), got.out .. got.err)
  end)

  it("in a pipeline of shell commands streams ids in and records out", function()
    local got = support.command({ "sh", "-c",
      'seq 50 | "$0" run -q --set "base=$1" scripts/fetch_ids.lua | wc -l', support.bin, fixture:url("") })
    assert.equal("50", (got.out:gsub("%s", "")), got.err)
  end)
end)
