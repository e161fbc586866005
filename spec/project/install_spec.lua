--- Builds and installs all rocks with LuaRocks into a temporary tree, for the Lua that runs this spec.

local docs = require "spec.support.docs"
local json = require "cjson"
local luarocks = require "spec.support.luarocks"
local process = require "spec.support.process"

local version = _VERSION:match("%d%.%d")
local missing = luarocks.missing()
local rocks = missing and {} or { "apivideo", "apivideo-redis", "apivideo-server" }

local function it_with_rocks(name, check)
  it(name, missing and function() pending(missing) end or check)
end

-- Runs a shell command and returns its output; raises an error with the output if it fails. Removes the variables of an
-- outer make, and of the checkout's paths, from its environment.
local function run(command, ...)
  command = command:format(...)
  local pipe = assert(io.popen("exec 2>&1; unset MAKEFLAGS MAKELEVEL MFLAGS LUA_PATH LUA_CPATH; " ..
    command .. "\necho \"status $?\""))
  local output, status = pipe:read("*a"):match("^(.*)status (%d+)\n$")
  pipe:close()
  if status ~= "0" then error(command .. ": status " .. tostring(status) .. "\n" .. output, 2) end
  return output
end

local function lines(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

-- Adds the files of a rock's manifest, such as "lua/apivideo/init.lua", to a list.
local function flatten(entries, prefix, list)
  for name, entry in pairs(entries) do
    if type(entry) == "table" then
      flatten(entry, prefix .. name .. "/", list)
    else
      list[#list + 1] = prefix .. name
    end
  end
  return list
end

describe("installation #process", function()
  local scratch, built, files = nil, {}, {}

  setup(function()
    scratch = run("mktemp -d"):gsub("%s", "")
    run("mkdir %s/source && cp -r LICENSE src lua types bin docs examples *.rockspec %s/source", scratch, scratch)
    -- LuaRocks may need only a compiler: other systems lack GNU make and GNU install.
    run("mkdir %s/bsd && cd %s/bsd && printf '#!/bin/sh\\necho usage >&2\\nexit 64\\n' > make && chmod +x make && " ..
      "cp make gmake && cp make install", scratch, scratch)
    -- LuaRocks treats LuaJIT as Lua 5.1 with other headers.
    local headers = rawget(_G, "jit") and
      "LUA_INCDIR=" .. run("pkg-config --variable=includedir luajit"):gsub("%s", "") or ""
    for _, rock in ipairs(rocks) do
      built[rock] = run("cd %s/source && PATH=%s/bsd:$PATH HOME=%s luarocks --lua-version=%s --tree=%s/tree make " ..
        "--deps-mode none %s-scm-1.rockspec %s", scratch, scratch, scratch, version, scratch, rock, headers)
      local manifest = run("cat %s/tree/lib/luarocks/rocks-%s/%s/scm-1/rock_manifest", scratch, version, rock)
      manifest = manifest:gsub("^rock_manifest =", "return")
      files[rock] = flatten(assert((loadstring or load)(manifest))(), "", {})
    end
  end)

  teardown(function()
    run("rm -rf %s", scratch)
  end)

  -- Runs Lua with the installed modules, without the checkout's.
  local function with_tree(...)
    return process.run({ ... }, ("LUA_PATH='%s/tree/share/lua/%s/?.lua;%s/tree/share/lua/%s/?/init.lua;;' " ..
      "LUA_CPATH='%s/tree/lib/lua/%s/?.so;;'"):format(scratch, version, scratch, version, scratch, version))
  end

  it_with_rocks("puts each file into exactly one rock", function()
    local owners = {}
    for rock, list in pairs(files) do
      for _, file in ipairs(list) do
        assert.is_true(owners[file] == nil or not file:find("^%a+/apivideo"), file .. " is in both rocks")
        owners[file] = rock
      end
    end
    local found = lines(run("find lua bin -type f"))
    assert.is_true(#found > 0)
    for _, file in ipairs(found) do
      assert.truthy(owners[file], file .. " is in no rock; run: make rockspecs")
    end
    for _, directory in ipairs(lines(run("find src -name '*.c' -printf '%%h\\n' | sort -u"))) do
      local count = 0
      for _, rock in ipairs(rocks) do
        if built[rock]:find(directory .. "/*.c", 1, true) then count = count + 1 end
      end
      assert.equal(directory == "src/common" and 3 or 1, count, "rocks that compile " .. directory)
    end
  end)

  it_with_rocks("needs no module of the server's rock for the library's", function()
    local server = {}
    for _, path in ipairs(files["apivideo-server"]) do server[path] = true end
    for _, path in ipairs(files.apivideo) do
      for module in (path:find "^lua/" and run("cat %s", path) or ""):gmatch "require ?%(?[\"'](apivideo[%w_.]*)" do
        local name = "lua/" .. module:gsub("%.", "/")
        assert.is_nil(server[name .. ".lua"] or server[name .. "/init.lua"], path .. " requires " .. module)
      end
    end
  end)

  it_with_rocks("loads each module from the tree", function()
    local modules = {}
    for _, rock in ipairs(rocks) do
      for _, file in ipairs(files[rock]) do
        local path = file:match("^lua/(.+)%.lua$") or file:match("^lib/(.+)%.so$")
        if path and not path:find "^apivideo/runtime/nginx" then -- which only nginx can load
          modules[#modules + 1] = (path:gsub("/init$", ""):gsub("/", "."))
        end
      end
    end
    assert.is_true(#modules > 10)
    local output, status = with_tree("-e",
      "for name in ('" .. table.concat(modules, " ") .. "'):gmatch('%S+') do assert(require(name)) end")
    assert.equal("", output)
    assert.equal(0, status)
  end)

  it_with_rocks("exports only the luaopen functions", function()
    local symbols = lines(run("nm -D --defined-only $(find %s/tree -name '*.so')", scratch))
    local opening = 0
    for _, symbol in ipairs(symbols) do
      local name = symbol:match("^%x+ %a (.+)$")
      if name then
        assert.truthy(name:find("^luaopen_apivideo_"), name)
        opening = opening + 1
      end
    end
    assert.equal(6, opening) -- core, its http, thread, server, the command, redis
  end)

  it_with_rocks("installs the command", function()
    local output, status = with_tree(
      ("%s/tree/lib/luarocks/rocks-%s/apivideo-server/scm-1/bin/apivideo"):format(scratch, version), "--help")
    assert.truthy(output:find("Usage: apivideo", 1, true), output)
    assert.equal(0, status)
    run("test -x %s/tree/bin/apivideo", scratch)
  end)

  it("copies modules and command below DESTDIR and PREFIX with make install", function()
    local lua = rawget(_G, "jit") and "jit" or version
    run("BUILD=%s DESTDIR=%s/dest PREFIX=/opt PATH=%s/bsd:$PATH tools/install %s",
      os.getenv "APIVIDEO_BUILD" or "build", scratch, scratch, lua)
    local opt = scratch .. "/dest/opt"
    local output, status = process.run({ opt .. "/bin/apivideo", "--version" },
      ("LUA_PATH='%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua;;' LUA_CPATH='%s/lib/lua/%s/?.so;;'"):format(
        opt, version, opt, version, opt, version))
    assert.truthy(output:find("^apivideo %d"), output)
    assert.equal(0, status)
    local settings = json.decode(docs.blocks("docs/guides/install.md", "json")[1].code)["workspace.library"]
    for i, module in ipairs { "apivideo/init.lua", "core.lua" } do
      local directory = settings[i]:gsub("^/usr/local", opt):gsub("/5%.4$", "/" .. version)
      run("test -f %s/%s", directory, module)
    end
    assert.equal(2, #settings)
    run("cmp docs/apivideo.1 %s/share/man/man1/apivideo.1", opt)
  end)

  it("removes what make install has installed, and nothing else, with make uninstall", function()
    local lua = rawget(_G, "jit") and "jit" or version
    local opt = scratch .. "/removed/opt"
    local function tree() return run("cd %s && find . -type f | sort", opt) end
    local function install()
      run("BUILD=%s DESTDIR=%s/removed PREFIX=/opt PATH=%s/bsd:$PATH tools/install %s",
        os.getenv "APIVIDEO_BUILD" or "build", scratch, scratch, lua)
    end
    run("mkdir -p %s/bin %s/share/lua/%s/apivideo/cli", opt, opt, version)
    run("touch %s/bin/other %s/share/lua/%s/apivideo/cli/mine.lua", opt, opt, version)
    local before = tree()
    install()
    install() -- an update
    assert.truthy(tree():find("./bin/apivideo\n", 1, true))
    local emptied = ("%s/lib/lua/%s/apivideo"):format(opt, version)
    run("test -d %s", emptied)
    run("make -s uninstall DESTDIR=%s/removed PREFIX=/opt", scratch)
    assert.equal(before, tree())
    assert.equal("", run("find %s -type d -path '*/apivideo*' -empty", opt))
    run("test ! -e %s", emptied)
    local ok, message = pcall(run, "make -s uninstall DESTDIR=%s/removed PREFIX=/opt", scratch)
    assert.is_false(ok)
    assert.truthy(message:find("pass the PREFIX and the DESTDIR of make install", 1, true), message)
  end)

  it_with_rocks("passes luarocks lint", function()
    for _, rock in ipairs(rocks) do
      run("luarocks --lua-version=%s lint %s-scm-1.rockspec", version, rock)
    end
  end)
end)
