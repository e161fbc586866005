--- The packages that messages name.

local file = require "spec.support.file"
local packages = require "apivideo.util.packages"
local process = require "spec.support.process"

-- Runs code in a new process, which finds only the checkout's modules in package.path or package.cpath; the error.
local function problem_of(path, code)
  local own = path == "cpath" and "^[^;]*" or "^[^;]*;[^;]*"
  return (process.run { "-e", ('package.%s = package.%s:match "%s"\nlocal _, problem = pcall(function() %s end)'
    .. ' io.write(tostring(problem))'):format(path, path, own, code) })
end

-- The remedies in another version of Lua.
local function remedies(version, ...)
  local code = '_VERSION = "Lua ' .. version .. '"\nlocal packages = require "apivideo.util.packages"\n'
  for _, name in ipairs { ... } do code = code .. ('print(packages.remedy "%s")\n'):format(name) end
  return (process.run { "-e", code })
end

describe("the remedy for what is not installed", function()
  it("names the Debian package and the rock for this Lua #process", function()
    assert.equal("install the Debian package lua-dbi-sqlite3, or the rock: luarocks --lua-version=5.3 install"
      .. " luadbi-sqlite3\ninstall the Debian package libmicrohttpd-dev\n", remedies("5.3", "LuaDBI", "libmicrohttpd"))
  end)

  it("names only the rock for a Lua without Debian packages #process", function()
    assert.equal("install the rock: luarocks --lua-version=5.5 install argparse\ninstall the Debian package"
      .. " libmicrohttpd-dev\n", remedies("5.5", "argparse", "libmicrohttpd"))
  end)

  it("names packages and rocks of this project that exist", function()
    local control = file.read "debian/control"
    for _, name in ipairs { "apivideo.server", "apivideo.redis.core" } do
      local debian, rock = packages.remedy(name):match "Debian package ([%w-]+), .* install ([%w-]+)$"
      if not debian then rock = packages.remedy(name):match " install ([%w-]+)$" end
      assert.truthy(not debian or control:find("\nPackage: " .. debian .. "\n", 1, true), debian)
      assert.truthy(file.read(rock .. "-scm-1.rockspec"):find('package = "' .. rock .. '"', 1, true), rock)
    end
  end)

  it("is the only place of the library that names packages", function()
    local pipe, found = assert(io.popen "find lua -name '*.lua'"), {}
    for path in pipe:lines() do
      for line in io.lines(path) do
        local is_code = not line:find "^%s*%-%-"
        if is_code and (line:find "luarocks" or line:find "Debian" or line:find "apt%-get") then found[path] = true end
      end
    end
    pipe:close()
    assert.same({ ["lua/apivideo/util/packages.lua"] = true }, found)
  end)
end)

describe("a required module of another project", function()
  it("is named with its packages if it is not installed #process", function()
    local message = "apivideo needs %s, which is not installed for %s: %s"
    assert.equal(message:format("lua-cjson", _VERSION, packages.remedy "lua-cjson"),
      problem_of("cpath", 'require "apivideo"'))
    assert.equal(message:format("argparse", _VERSION, packages.remedy "argparse"),
      problem_of("path", 'require "apivideo.cli"'))
  end)

  it("keeps the message of another failure #process", function()
    assert.equal("no memory", problem_of("cpath", [[
      package.preload["cjson.safe"] = function() error("no memory", 0) end
      require("apivideo.util.packages").load("cjson.safe", "lua-cjson")]]))
  end)
end)
