--- Makes a release in a copy of the tree, serves it with a LuaRocks manifest on loopback, and installs it from there
--- into an empty tree, for the Lua that runs this spec.

local file = require "spec.support.file"
local luarocks = require "spec.support.luarocks"
local process = require "spec.support.process"
local temporary = require "spec.support.temporary"

local VERSION = "9.8.7"
local lua = _VERSION:match("%d%.%d")

local CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Fixed\n\n- A crash.\n\n## 9.8.6 - 2026-01-01\n"

-- Serves the files of a directory.
local FILE_SERVER = [[
local directory = %q
local server = assert(require("apivideo.server").listen { handler = function(request)
  local opened = io.open(directory .. request.path, "rb")
  local text = opened and opened:read("*a")
  if opened then opened:close() end
  return text and 200 or 404, nil, text
end })
print("serving " .. server.url)
io.stdout:flush()
server:run()
]]

-- Put first in PATH: other systems lack GNU make and GNU install, and git must not be needed.
local USELESS = "for name in make gmake install git; do printf '#!/bin/sh\necho usage >&2\nexit 64\n' > $name; " ..
  "chmod +x $name; done"

-- Creates a rock from an installed module, so that no registry is needed.
local DEPENDENCY = [[
package = "%s"
version = "%s-1"
source = { url = "%s/%s.tar.gz" }
build = { type = "none", install = { %s = { ["%s"] = "%s" } } }
]]

describe("tools/release #process", function()
  local scratch, server, url

  -- Runs a shell command. Returns its output and exit status.
  local function shell(command, ...)
    command = command:format(...)
    local pipe = assert(io.popen("exec 2>&1 < /dev/null; unset MAKEFLAGS MAKELEVEL MFLAGS LUA_PATH LUA_CPATH; cd " ..
      scratch .. "; export HOME=$PWD; (" .. command .. "\n); echo \"status $?\""))
    local output, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
    pipe:close()
    return output, tonumber(status)
  end

  local function run(command, ...)
    local output, status = shell(command, ...)
    if status ~= 0 then error(command:format(...) .. ": status " .. status .. "\n" .. output, 2) end
    return output
  end

  local function release(version)
    return shell("cd source && SOURCE_URL=%s tools/release %s", url, version)
  end

  -- Puts the file of a module into an archive, with a rockspec.
  local function serve_dependency(rock, version, kind, module, path)
    local found
    for template in path:gmatch("[^;]+") do
      local name = template:gsub("%?", module)
      if not found and name:sub(1, 1) == "/" and file.read(name) ~= "" then found = name end
    end
    local base = module .. (kind == "lib" and ".so" or ".lua")
    run("mkdir -p %s served && cp -L %s %s/%s && tar czf served/%s.tar.gz %s",
      rock, assert(found, module), rock, base, rock, rock)
    file.write(("%s/served/%s-%s-1.rockspec"):format(scratch, rock, version),
      DEPENDENCY:format(rock, version, url, rock, kind, module, base))
  end

  setup(function()
    scratch = temporary.directory()
    assert(os.execute("mkdir -p " .. scratch .. "/source " .. scratch .. "/served " .. scratch .. "/useless"))
    assert(os.execute("cp -r .gitignore Makefile LICENSE README.md src lua types bin docs examples " ..
      "tools debian *.rockspec " .. scratch .. "/source"))
    run("cd useless && %s", USELESS)
    file.write(scratch .. "/source/CHANGELOG.md", CHANGELOG) -- that of the checkout may have nothing to release
    run("cd source && git init -q . && git config user.name T && git config user.email t@example.com && " ..
      "git add -A && git commit -q -m start")
    server = process.start { "-e", FILE_SERVER:format(scratch .. "/served") }
    url = server:wait_for("serving (%S+)")
  end)

  teardown(function()
    server:kill("TERM")
    server:wait()
    os.execute("rm -rf " .. scratch)
  end)

  it("fails if the checkout has changes, or the version is invalid", function()
    local output, status = release("1.0")
    assert.equal(1, status, output)
    assert.truthy(output:find("three numbers", 1, true), output)
    run("cd source && echo >> README.md")
    output, status = release(VERSION)
    run("cd source && git checkout -q .")
    assert.equal(1, status, output)
    assert.truthy(output:find("the checkout has changes", 1, true), output)
  end)

  it("fails if the changelog has nothing to release", function()
    run("cd source && sed -i '/^## Unreleased/d' CHANGELOG.md && git commit -qam released")
    local output, status = release(VERSION)
    run("cd source && git reset -q --hard HEAD^")
    assert.equal(1, status, output)
    assert.truthy(output:find('no heading "## Unreleased"', 1, true), output)
    assert.equal("", run("cd source && git tag"))
  end)

  it("fails if a Lua module is in no rock", function()
    run("cd source && echo return > lua/apivideo/forgotten.lua && git add -A && git commit -q -m forgotten")
    local output, status = release(VERSION)
    run("cd source && git reset -q --hard HEAD^")
    assert.equal(1, status, output)
    assert.truthy(output:find("make rockspecs", 1, true), output)
  end)

  it("makes rocks that install with their dependencies, without git, GNU make and the internet", function()
    if luarocks.missing() then pending(luarocks.missing()) end
    local output, status = release(VERSION)
    assert.equal(0, status, output)
    assert.equal("v" .. VERSION .. "\n", run("cd source && git tag"))
    assert.equal("", run("cd source && git status --porcelain"))
    local changelog = run("cd source && git show HEAD:CHANGELOG.md")
    local date = changelog:match "\n## 9%.8%.7 %- (20%d%d%-%d%d%-%d%d)\n"
    assert.equal((CHANGELOG:gsub("Unreleased", "9.8.7 - " .. tostring(date))), changelog)

    assert.truthy(run("cd source && head -n 1 debian/changelog"):find("(9.8.7-1)", 1, true))

    run("cp source/build/release/* served")
    serve_dependency("lua-cjson", "2.1.0", "lib", "cjson", package.cpath)
    serve_dependency("argparse", "0.7.1", "lua", "argparse", package.path)
    run("luarocks-admin make_manifest served")

    local headers = rawget(_G, "jit") and
      "LUA_INCDIR=" .. run("pkg-config --variable=includedir luajit"):gsub("%s", "") or ""
    run("unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY; PATH=$PWD/useless:$PATH luarocks --lua-version=%s " ..
      "--tree=$PWD/tree install --only-server=%s apivideo-server %s", lua, url, headers)
    assert.equal("9.8.7-1\n", run("ls tree/lib/luarocks/rocks-%s/apivideo", lua))

    local environment = ("LUA_PATH='%s/tree/share/lua/%s/?.lua;%s/tree/share/lua/%s/?/init.lua' "):format(
      scratch, lua, scratch, lua) .. ("LUA_CPATH='%s/tree/lib/lua/%s/?.so'"):format(scratch, lua)
    output, status = process.run({ "-e", [[
      local apivideo = require "apivideo"
      local listening = assert(require("apivideo.server").listen { handler = function() return 204 end })
      print(assert(require("apivideo.transport.http").request { method = "GET", url = listening.url }).status)
      listening:stop()
      require("apivideo.cli").main { "--version" }]] }, environment)
    assert.equal("204\napivideo 9.8.7\n", output)
    assert.equal(0, status)
  end)
end)

describe("CHANGELOG.md", function()
  it("begins with what is not released, or with the version of the library", function()
    local first = file.read("CHANGELOG.md"):match "\n## ([^\n]+)\n"
    local version, date = first:match "^(%S+) %- (%d%d%d%d%-%d%d%-%d%d)$"
    assert.truthy(first == "Unreleased" or date and version == require "apivideo.version", first)
  end)

  it("has only the groups of Keep a Changelog, and notes for an upgrade", function()
    local groups = { Upgrading = true, Added = true, Changed = true, Deprecated = true, Removed = true, Fixed = true,
      Security = true }
    for group in file.read("CHANGELOG.md"):gmatch "\n### ([^\n]+)" do assert.is_true(groups[group], group) end
  end)
end)
