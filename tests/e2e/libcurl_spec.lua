--- libcurl is loaded when a request needs it, and what comes of one that cannot be used.
local posix = require "e2e.posix"
local support = require "e2e.support"

-- Fetches its arguments, then tells which libraries the process has mapped.
local FETCH = [[
  local aggr = require "aggr"
  for _, url in ipairs(arg) do aggr.fetch { url = url, tls = { verify = false } } end
  local mapped = aggr.object {}
  for name in aggr.read("/proc/self/maps"):gmatch "/lib(%a+)[^/\n]*%.so" do mapped[name] = true end
  return mapped
]]

describe("libcurl", function()
  support.guard(before_each, after_each)

  local fixture = support.fixture()
  local flags = { "-q", "--transport", "auto" }

  local function mapped(...)
    return support.value(FETCH, { args = { ... }, flags = flags })
  end

  it("is not loaded by a run that fetches http:// alone, and TLS with its authorities is not either", function()
    local libraries = mapped(fixture:url("/json"))
    assert.is_true(libraries.uv)
    for _, name in ipairs { "curl", "ssl", "crypto" } do assert.is_nil(libraries[name], name) end
  end)

  it("is loaded for https://", function()
    local libraries = mapped(fixture:tls_url("/json"))
    for _, name in ipairs { "curl", "ssl", "crypto" } do assert.is_true(libraries[name], name) end
  end)

  --- A run whose libcurl.so.4 is the one in `folder`.
  local function with(folder, ...)
    return support.script(FETCH, { args = { ... }, flags = flags, env = { LD_LIBRARY_PATH = folder } })
  end

  local function folder_with(link)
    local folder = posix.mkdtemp(support.folder())
    assert.equal(0, support.command({ "ln", "-s", link, folder .. "/libcurl.so.4" }).code)
    return folder
  end

  local unusable = {
    ["is no library"] = { folder = folder_with(support.file("junk")), says = "file too short" },
    ["lacks a function"] = {
      folder = folder_with(os.getenv("AGGR_LOOKUPS") or support.bin:gsub("[^/]+$", "aggr-lookups.so")),
      says = "undefined symbol: curl_",
    },
    ["is too old"] = {
      folder = support.bin:gsub("[^/]+$", "old-libcurl"),
      says = "7.74.0, and 7.88 or newer is needed",
    },
  }
  for what, case in pairs(unusable) do
    it("that " .. what .. " is an error of kind usage that names the package", function()
      local result = with(case.folder, fixture:tls_url("/json"))
      assert.equal(1, result.code, result.err)
      for _, words in ipairs { "usage: ", "cannot load libcurl (Debian package libcurl4): ", case.says } do
        assert.truthy(result.err:find(words, 1, true), result.err)
      end
      assert.equal(0, fixture:stats().requests)
    end)
  end

  it("that cannot be used is in nobody's way who fetches http://", function()
    local result = with(unusable["is no library"].folder, fixture:url("/json"))
    assert.equal(0, result.code, result.err)
  end)
end)
