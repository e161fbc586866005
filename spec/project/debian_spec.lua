--- The Debian packages: what debian/ puts into them, compared with the rocks.

local file = require "spec.support.file"

local PACKAGE_OF = {
  apivideo = "lua-apivideo", ["apivideo-server"] = "apivideo", ["apivideo-redis"] = "lua-apivideo-redis",
}

-- The modules in C of all rocks: name -> the Debian package.
local function modules_of_rocks()
  local found = {}
  for rock, package_name in pairs(PACKAGE_OF) do
    for module in file.read(rock .. "-scm-1.rockspec"):gmatch '%["(apivideo[%w_.]+)"%] = "build/rock/' do
      found[module] = package_name
    end
  end
  return found
end

-- Those of dh-lua's configurations for one Lua: debian/lua5.4.*.dh-lua.conf.
local function modules_of_debian(lua)
  local found = {}
  local pipe = assert(io.popen("ls debian/lua" .. lua .. ".*.dh-lua.conf"))
  for path in pipe:lines() do
    local text = "\n" .. file.read(path)
    local name = text:match "\noverride DEB_PKG_LIB = (%S+)" or "lua-" .. text:match "\nPKG_NAME = (%S+)"
    found[text:match "\nLUA_MODNAME_CPART = (%S+)"] = name
  end
  pipe:close()
  return found
end

describe("the Debian packages", function()
  it("contain the same modules in C as the rocks", function()
    local rocks = modules_of_rocks()
    assert.equal("lua-apivideo", rocks["apivideo.core.http"])
    for _, lua in ipairs { "5.1", "5.2", "5.3", "5.4" } do assert.same(rocks, modules_of_debian(lua)) end
  end)

  it("have a control section each", function()
    local control = file.read "debian/control"
    for _, name in pairs(PACKAGE_OF) do
      assert.truthy(control:find("\nPackage: " .. name .. "\n", 1, true), name)
    end
  end)
end)
