--- debug.setmetatable made any userdata a Response, and its fields were read from memory beyond it.
local support = require "e2e.support"

describe("userdata that was given a Response's metatable", function()
  local MADE = [[
    local aggr = require "aggr"
    local function transport() return { status = 200, body = "b" } end
    local api = aggr.client { base = "http://127.0.0.1:1", transport = transport }
    local res = api:get "/"
  ]]

  for name, value in pairs { empty = "newproxy()", foreign = "io.tmpfile()", stream = "io.stdout" } do
    it("is not taken for one: " .. name, function()
      local got = support.value(MADE .. "local fake = " .. value .. [[
        local own = debug.getmetatable(fake)
        debug.setmetatable(fake, debug.getmetatable(res))
        local refused = 0
        for _, field in ipairs { "status", "ok", "url", "headers", "body", "timing", "attempts", "http" } do
          local ok, err = pcall(function() return fake[field] end)
          if not ok and tostring(err):find("aggr.Response expected", 1, true) then refused = refused + 1 end
        end
        local fine = not pcall(tostring, fake) and not pcall(function() return fake:json() end)
        debug.setmetatable(fake, own)
        if fake ~= io.stdout and io.type(fake) then fake:close() end
        return { refused, fine, res.status, res.body }]])
      assert.same({ 8, true, 200, "b" }, got)
    end)
  end
end)
