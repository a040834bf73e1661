--- Errors of finalizers: Lua raises them wherever memory is asked for next, in the middle of the library as well.
local support = require "e2e.support"

describe("an error in a finalizer", function()
  local function ends_well(code)
    local got = support.script(code, { flags = { "--allow-ffi" } })
    assert.equal(0, got.code, got.err)
    assert.equal('"done"\n', got.out)
    return got.err
  end

  it("of a proxy reaches nobody but the log, whatever runs meanwhile", function()
    local err = ends_well [[
      local aggr = require "aggr"
      local function litter()
        for _ = 1, 20 do
          local proxy = newproxy(true)
          getmetatable(proxy).__gc = function() error("from __gc") end
        end
      end
      for i = 1, 300 do
        litter()
        aggr.group(function(g)
          for k = 1, 3 do g:spawn(function() aggr.sleep(0) return ("x"):rep(1000 + k) .. i end) end
        end)
        pcall(aggr.deadline, 0, aggr.sleep, 0)
      end
      collectgarbage()
      return "done"
    ]]
    assert.truthy(err:find("finalizer", 1, true), err)
    assert.truthy(err:find("1.lua:6: from __gc", 1, true) or err:find("from __gc", 1, true), err)
    assert.is_nil(err:find("from __gc.*from __gc"), err) -- said once
  end)

  it("of a cdata, its type, or one that waits does not either", function()
    ends_well [[
      local aggr, ffi = require "aggr", require "ffi"
      ffi.cdef "struct litter { int x; };"
      local type_of = ffi.metatype("struct litter", { __gc = function() error("type") end })
      for _ = 1, 100 do
        ffi.gc(ffi.new("char[8]"), function() error("cdata") end)
        type_of()
        local proxy = newproxy(true)
        getmetatable(proxy).__gc = function() aggr.sleep(1) end
        debug.setmetatable(newproxy(), { __gc = function() error("given") end })
        local meta = {}
        debug.setmetatable(newproxy(), meta)
        meta.__gc = function() error("given later") end
        local another = newproxy(proxy)
        aggr.group(function(g) g:spawn(aggr.sleep, 0) end)
        collectgarbage("step", 100)
      end
      collectgarbage()
      return "done"
    ]]
  end)

  it("leaves finalizers as they were otherwise", function()
    ends_well [[
      local ffi = require "ffi"
      local order = {}
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = function(self) order[#order + 1] = type(self) end
      assert(type(newproxy()) == "userdata" and not getmetatable(newproxy(false)))
      assert(getmetatable(newproxy(proxy)) == getmetatable(proxy))
      assert(not pcall(newproxy, {}))
      ffi.gc(ffi.gc(ffi.new("int[1]"), function() order[#order + 1] = "not me" end), nil)
      local kept = ffi.gc(ffi.new("int[1]", 7), function(self) order[#order + 1] = self[0] end)
      assert(kept[0] == 7)
      proxy, kept = nil, nil
      collectgarbage()
      collectgarbage()
      table.sort(order, function(a, b) return tostring(a) < tostring(b) end)
      assert(table.concat(order, ",") == "7,userdata,userdata" or table.concat(order, ",") == "7,userdata",
        table.concat(order, ","))
      return "done"
    ]]
  end)
end)
