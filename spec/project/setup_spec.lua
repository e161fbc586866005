--- Tests tools/setup and tools/env. The commands that they run are replaced by fakes.

local file = require "spec.support.file"
local new_fakes = require("spec.support.fakes").new

describe("setting up a checkout #process", function()
  local fakes

  local function fake(name, script) fakes:fake(name, script) end
  local function run(lines) return fakes:run(lines) end

  -- The same without sudo.
  local function run_without_sudo(line)
    return run('command() { [ "$2" != sudo ] && builtin command "$@"; }\nexport -f command\n' .. line)
  end

  before_each(function() fakes = new_fakes() end)
  after_each(function() fakes:remove() end)

  it("prints an installation command if packages are missing and there is no sudo", function()
    fake("id", "echo 1000")
    fake("dpkg-query", "case $* in *gcc*) echo installed ;; *) exit 1 ;; esac")
    fake("apt-cache", "case \"$*\" in *show*) echo 'Lua-Versions: 5.1 5.2 5.3' ;; " ..
      "*luajit2*) echo 'Candidate: (none)' ;; *) echo 'Candidate: 1' ;; esac")
    fake("apt-get", "exit 1")
    fake("pkg-config", "exit 1") -- no Lua can run the demo
    local output = run_without_sudo "tools/setup demo-nginx"
    local packages = output:match("As root, run:\n  apt%-get update && apt%-get install %-%-no%-install%-recommends " ..
      "([^\n]+)\n")
    assert.truthy(packages, output)
    packages = " " .. packages .. " "
    assert.truthy(packages:find(" lua5.3 liblua5.3-dev lua-cjson ", 1, true), packages) -- the newest with lua-cjson
    assert.truthy(packages:find(" luajit ", 1, true), packages)
    assert.falsy(packages:find("|", 1, true))
    assert.falsy(packages:find(" gcc ", 1, true))
    assert.truthy(output:find("status 1\n", 1, true), output)
  end)

  it("prints it, too, if sudo gives this user no rights", function()
    fake("id", "echo 1000")
    fake("dpkg-query", "exit 1")
    fake("apt-cache", "echo 'Candidate: 1'")
    fake("pkg-config", "exit 1")
    fake("apt-get", "echo apt-get ran")
    fake("sudo", 'case $1 in -n) ;; -v) echo "not in the sudoers file" ;; *) echo it ran ;; esac; exit 1')
    local output = run "tools/setup demo"
    assert.matches("^not in the sudoers file\nPackages are missing, and sudo does not let you install them. As root,"
      .. " run:\n  apt%-get update && apt%-get install %-%-no%-install%-recommends lua[^\n]+ gcc [^\n]+\nstatus 1\n$",
      output)
  end)

  it("installs the build requirements of the packages, without those of the specs", function()
    fake("id", "echo 1000")
    fake("dpkg-query", "exit 1")
    fake("apt-cache", "echo 'Candidate: 1'")
    fake("apt-get", "exit 1")
    local output = run_without_sudo "tools/setup deb"
    for name, is_needed in pairs { ["dh-lua"] = true, lintian = true, ["libmicrohttpd-dev"] = true,
      nginx = false, ["redis-server"] = false, ["lua-busted"] = false, luarocks = false } do
      assert.equal(is_needed, output:find(" " .. name:gsub("%p", "%%%0") .. "%f[%s]") ~= nil, name)
    end
  end)

  it("installs the Luas that lua-cjson supports, and no others", function()
    fake("id", "echo 1000")
    fake("dpkg-query", "exit 1")
    fake("apt-cache", "case \"$*\" in *show*) echo 'Lua-Versions: 5.1 5.3 5.5' ;; *) echo 'Candidate: 1' ;; esac")
    fake("apt-get", "exit 1")
    fake("pkg-config", "exit 1")
    local output = run_without_sudo "tools/setup test"
    for _, packages in ipairs { " lua5.1 liblua5.1-0-dev ", " lua5.3 liblua5.3-dev ", " lua5.5 liblua5.5-dev " } do
      assert.truthy(output:find(packages, 1, true), output)
    end
    assert.falsy(output:find "lua5%.[24]", output)
  end)

  describe("and the programs that some specs use", function()
    local apt

    before_each(function()
      apt = fakes.directory .. "/apt.log"
      fake("dpkg-query", "case $* in *haproxy*|*tarantool*|*lua-http*) exit 1 ;; *) echo installed ;; esac")
      fake("apt-cache", "case \"$*\" in *tarantool*) echo 'Candidate: (none)' ;; *) echo 'Candidate: 1' ;; esac")
      fake("apt-get", 'echo "$@" >> ' .. apt)
      fake("tee", "cat > /dev/null") -- which writes policy-rc.d
      fake("chmod", "exit 0")
      for _, name in ipairs { "deb-systemd-helper", "update-rc.d" } do fake(name, 'echo "$@" >> ' .. apt) end
    end)

    it("installs those that apt has, without their services", function()
      fake("id", "echo 0")
      assert.equal("Installing haproxy lua-http\nstatus 0\n", run "tools/setup test")
      local log = file.read(apt)
      assert.truthy(log:find("--no-install-recommends haproxy lua-http\n", 1, true), log)
      assert.truthy(log:find("disable haproxy.service\n", 1, true), log)
      assert.truthy(log:find("haproxy disable\n", 1, true), log)
    end)

    it("succeeds without them if apt fails", function()
      fake("id", "echo 0")
      fake("apt-get", "exit 1")
      assert.equal("Installing haproxy lua-http\nNot installed: haproxy lua-http. The specs that need them are"
        .. " pending.\nstatus 0\n", run "tools/setup test")
    end)

    it("asks for no password, and installs none for another task", function()
      fake("id", "echo 1000")
      fake("sudo", "echo asked")
      assert.equal("status 0\n", run "tools/setup test")
      fake("id", "echo 0")
      assert.equal("status 0\n", run "tools/setup lint")
      assert.equal("", file.read(apt))
    end)
  end)

  it("counts a distribution as skipped, and prints why, if its root cannot be created", function()
    fake("id", "echo 1000")
    assert.equal("check-distro: skipped: run it as root: it installs a system into a directory\n" ..
      "total: 0 passed, 0 failed, 1 skipped\nstatus 0\n", run "tools/check-distro trixie")
    fake("id", "echo 0")
    fake("unshare", "exit 1")
    assert.equal("check-distro: skipped: root cannot mount here, as in an unprivileged container\n" ..
      "total: 0 passed, 0 failed, 1 skipped\nstatus 0\n", run "tools/check-distro trixie")
    assert.truthy(run("tools/check-distro"):find "name a distribution.*status 2\n$")
  end)

  it("creates the root that a check names while it runs", function()
    fake("id", "echo 0")
    fake("unshare", "exit 0")
    fake("debootstrap", 'echo "$@"; echo "E: Failed getting release file"; exit 1')
    assert.truthy(os.execute("mkdir -p " .. fakes.directory .. "/cache/bookworm"))
    local output = run("CACHE=" .. fakes.directory .. "/cache KEEP= ARCH= tools/check-container")
    assert.truthy(output:find(" trixie " .. fakes.directory .. "/cache/trixie.new", 1, true), output)
    assert.truthy(output:find "the packages of trixie cannot be fetched\ntotal: 0 passed, 0 failed, 1 skipped", output)
    assert.equal("", run("ls " .. fakes.directory .. "/cache | grep ^run-"):gsub("status 1\n", ""))
  end)

  it("writes the command only if it differs: the checkout may be another user's", function()
    fake("make", "exit 0")
    run "tools/env"
    fake("chmod", "echo wrote")
    local output = run "tools/env"
    assert.truthy(output:find("status 0\n", 1, true), output)
    assert.is_nil(output:find "wrote")
  end)

  it("exports the paths of each Lua, the checkout's before the user's, idempotently", function()
    fake("make", "exit 0")
    fake("pkg-config", "case $2 in lua5.3 | lua5.4 | lua5.5 | luajit) ;; *) exit 1 ;; esac")
    for _, name in ipairs { "lua5.3", "lua5.4", "lua5.5", "luajit" } do fake(name, "exit 0") end
    local here = run("pwd"):match("[^\n]+")
    local output = run [[
      export LUA_PATH_5_4='/mine/?.lua;;' LUA_CPATH='/mine/?.so'
      eval "$(tools/env)"
      eval "$(tools/env)"
      env]]
    local function value(name) return output:match("\n" .. name .. "=([^\n]*)") end
    local ours = here .. "/lua/?.lua;" .. here .. "/lua/?/init.lua;"
    assert.equal(ours .. "/mine/?.lua;;", value "LUA_PATH_5_4")
    assert.equal(ours .. ";", value "LUA_PATH_5_5")
    assert.equal(here .. "/build/5.5/?.so;/mine/?.so", value "LUA_CPATH_5_5")
    assert.equal(ours .. ";", value "LUA_PATH_5_3")
    assert.equal(ours .. ";", value "LUA_PATH")
    assert.equal(here .. "/build/5.4/?.so;/mine/?.so", value "LUA_CPATH_5_4")
    assert.equal(here .. "/build/jit/?.so;/mine/?.so", value "LUA_CPATH")
    assert.is_nil(value "LUA_PATH_5_2")
    local _, count = value("PATH"):gsub(here:gsub("%p", "%%%0") .. "/build/bin:", "")
    assert.equal(1, count)
  end)
end)
