-- Compares the tables of docs/reference/compatibility.md with the recorded results and the floors of the code.

local compatibility = dofile "tools/compatibility.lua"
local file = require "spec.support.file"

describe("docs/reference/compatibility.md", function()
  it("has the committed results and the floors of the code", function()
    local text = file.read(compatibility.page)
    assert.equal(compatibility.with_tables(text), text,
      "write the tables with: tools/with-lua 5.4 tools/compatibility.lua")
  end)

  it("lists each library with the floor of its error message", function()
    local found = {}
    for _, floor in ipairs(compatibility.floors()) do found[floor[1]] = floor[2] end
    assert.same({
      libcurl = "7.68.0", OpenSSL = "1.1.1", libmicrohttpd = "0.9.71", hiredis = "0.14", SQLite = "3.24", Redis = "7.0",
      ["lua-nginx-module"] = "0.10.23",
    }, found)
  end)

  it("has the versions of all libraries for each distribution with results", function()
    for _, name in ipairs(compatibility.order) do
      local facts = compatibility.facts(name)
      for _, column in ipairs(facts and compatibility.columns or {}) do
        assert.truthy(facts[column] and facts[column] ~= "", name .. " " .. column)
      end
    end
  end)

  it("has the same floors at run time as at compile time", function()
    local curl, openssl = file.read "src/common/compat_curl.h", file.read "src/common/compat_openssl.h"
    assert.equal(curl:match "FLOOR (0x%x+)", curl:match "LIBCURL_VERSION_NUM < (0x%x+)\n[^\n]*\n#error")
    assert.equal(openssl:match "FLOOR (0x%x+)", openssl:match "OPENSSL_VERSION_NUMBER < (0x%x+)L\n[^\n]*\n#error")
    assert.equal(curl:match '#error "([^;]*)', curl:match '"(libcurl [%d.]+ or newer is needed)')
    assert.equal(openssl:match '#error "([^;]*)', openssl:match '"(OpenSSL [%d.]+ or newer is needed)')
  end)
end)
