--- The Debian packages: what debian/ puts into them, compared with the rocks, and the systemd unit with the guide.

local docs = require "spec.support.docs"
local file = require "spec.support.file"
local new_fakes = require("spec.support.fakes").new

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

describe("the systemd unit", function()
  it("has each line that the guide shows, in this order", function()
    local unit, position = "\n" .. file.read "debian/apivideo@.service", 1
    local block = docs.blocks("docs/guides/operations.md", "ini")[1].code
    for line in block:gmatch "[^\n]+" do
      local from, to = unit:find("\n" .. line .. "\n", position, true)
      assert.truthy(from, line)
      position = to
    end
    assert.truthy(block:find("TimeoutStopSec=", 1, true))
  end)

  it("has the keys that the guide replaces for several workers", function()
    local unit = file.read "debian/apivideo@.service"
    local block = docs.blocks("docs/guides/operations.md", "ini")[2].code
    for key in block:gmatch "([^\n=]+)=[^\n]*" do
      assert.truthy(key == "User" or unit:find("\n" .. key .. "=", 1, true), key)
    end
  end)
end)

describe("make deb #process", function()
  local fakes

  before_each(function()
    fakes = new_fakes()
    fakes:fake("dpkg-query", "echo installed")
    fakes:fake("lintian", "touch a.deb")
  end)

  after_each(function() fakes:remove() end)

  -- Runs tools/deb with a fake dpkg-buildpackage; the output, with the names of the copied files of debian/.
  local function build(luas, script)
    fakes:fake("dpkg-buildpackage", script)
    local output = fakes:run("export BUILD=" .. fakes.directory .. "/build; tools/deb " .. luas)
    return output .. fakes:run("ls " .. fakes.directory .. "/build/deb/source/debian")
  end

  it("prints its steps, and builds for the Luas of LUAS", function()
    local output = build("'5.4 jit'", [[
      for target in configure build install; do for lua in 5.1 5.4; do
        echo "Making target $target for debian/lua$lua.http.dh-lua.conf"
        echo "Making target $target for debian/lua$lua.library.dh-lua.conf"
      done; done
      echo "   dh_installdocs -O--buildsystem=lua"]])
    assert.equal("Preparing the build\nCompiling for Lua 5.1\nCompiling for Lua 5.4\nCopying the modules of Lua 5.1\n"
      .. "Copying the modules of Lua 5.4\nMaking the packages\nChecking the packages with lintian\n./a.deb\nstatus 0\n",
      output:match "^.-status %d\n")
    assert.truthy(output:find("\nlua5.1.http.dh-lua.conf\n", 1, true), output)
    assert.truthy(output:find("\nlua5.4.http.dh-lua.conf\n", 1, true), output)
    assert.falsy(output:find "lua5%.[23]", output)
  end)

  it("shows the end of the log if the build fails", function()
    local output = build("", "echo the reason >&2; exit 1")
    assert.truthy(output:find("^the reason\nstatus 1\n"), output)
    assert.truthy(output:find("\nlua5.2.http.dh-lua.conf\n", 1, true), output) -- all Luas
  end)

  it("builds from the unpacked archive of a release, which is no git repository", function()
    fakes:fake("dpkg-buildpackage", "echo '   dh_installdocs'")
    local directory = fakes.directory
    local output = fakes:run(("mkdir %s/archive; tar -c --exclude=./.git --exclude=./build . | tar -x -C %s/archive;"
      .. " cd %s/archive; export BUILD=%s/build; tools/deb 5.4"):format(directory, directory, directory, directory))
    assert.equal("Making the packages\nChecking the packages with lintian\n./a.deb\nstatus 0\n", output)
    assert.equal("control\nstatus 0\n", fakes:run(("cd %s/build/deb/source/debian; ls control"):format(directory)))
  end)

  it("rejects Luas for which there are no packages, and a list without the command's", function()
    assert.truthy(build("5.5", "exit 1"):find(
      "^make deb: Debian has no packages for Lua 5.5; LUAS may contain 5.1, 5.2, 5.3, 5.4 and jit\nstatus 2\n"))
    assert.truthy(build("jit", "exit 1"):find(
      "^make deb: LUAS must contain 5.4, with which the command runs\nstatus 2\n"))
  end)
end)
