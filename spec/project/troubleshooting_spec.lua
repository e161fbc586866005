-- The messages of other programs that docs/guides/troubleshooting.md has as headings.

local compile = require "spec.support.compile"
local docs = require "spec.support.docs"
local lfs = require "lfs"
local luarocks = require "spec.support.luarocks"

local PAGE = docs.read "docs/guides/troubleshooting.md"

-- The section with a heading.
local function section_of(heading)
  local _, to = PAGE:find("\n## " .. heading .. "\n", 1, true)
  assert(to, heading)
  return PAGE:sub(to):match "^(.-)\n## " or PAGE:sub(to)
end

describe("the page for troubleshooting #process", function()
  it("has LuaRocks's message for a library that is not installed, for each library", function()
    if luarocks.missing() then return pending(luarocks.missing()) end
    local section = section_of '"Could not find library file for CRYPTO"'
    local is_named = { CRYPTO = true, SSL = true } -- of the same package
    for name in section:gmatch "[Ff]or `(%u+)`" do is_named[name] = true end
    local tree, count = os.tmpname(), 0
    os.remove(tree)
    for _, rock in ipairs { "apivideo", "apivideo-server", "apivideo-redis" } do
      local rockspec = rock .. "-scm-1.rockspec"
      for name in docs.read(rockspec):match("external_dependencies = (%b{})"):gmatch "(%u+) = " do
        count = count + 1
        assert.is_true(is_named[name], name)
        local output = compile.run(("luarocks --tree %s make %s --lua-version=5.4 --deps-mode=none %s_DIR=/nonexistent"
          .. " 2>&1"):format(tree, rockspec, name))
        assert.matches("Could not find library file for " .. name, output, 1, true)
      end
    end
    assert.is_nil(lfs.attributes(tree))
    assert.is_true(count >= 5)
  end)

  it("has the message of a C module that was built for another Lua", function()
    local build = os.getenv "APIVIDEO_BUILD" or "build"
    if not lfs.attributes(build .. "/5.4/apivideo/core.so") then return pending "Lua 5.4 is not built" end
    if not compile.run("command -v luajit"):find "luajit" then return pending "luajit is not installed" end
    local output = compile.run(("LUA_PATH='lua/?.lua;lua/?/init.lua' LUA_CPATH='%s/5.4/?.so'"
      .. " luajit -e 'require \"apivideo\"' 2>&1"):format(build))
    local symbol = output:match "undefined symbol: (lua%w*_%w+)"
    assert.truthy(symbol and section_of('"undefined symbol: lua_rotate"'):find("`" .. symbol .. "`", 1, true), output)
  end)
end)
