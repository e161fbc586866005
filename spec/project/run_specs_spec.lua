--- Runs tools/run-specs with temporary spec files.

local compile = require "spec.support.compile"
local count = require "spec.support.count"
local file = require "spec.support.file"
local shell = require "spec.support.shell"
local temporary = require "spec.support.temporary"

describe("tools/run-specs #process", function()
  local scratch

  local function run(luas, environment)
    local pipe = assert(io.popen(("env -u LUA_PATH -u LUA_CPATH -u RUN_UNDER -u RUN_LOCALE SPEC_LOGS=%s/logs %s " ..
      "tools/run-specs '%s' %s 2>&1"):format(scratch, environment or "", luas, scratch)))
    local output = pipe:read("*a")
    pipe:close()
    return output
  end

  -- Two Luas of different versions that can run specs.
  local luas = {}
  local found = compile.run 'env -u LUA_PATH -u LUA_CPATH tools/find-lua --specs "5.1 5.2 5.3 5.4 5.5" 2> /dev/null'
  for lua in found:gmatch "%d%.%d" do luas[#luas + 1] = lua end
  local one, other = luas[1] or "jit", luas[2]

  before_each(function()
    scratch = temporary.directory()
  end)

  after_each(function() os.execute("rm -rf " .. scratch) end)

  it("prints a failure in several Luas once, with the names of the Luas", function()
    if not other then pending("only one Lua can run specs: " .. one) end
    file.write(scratch .. "/common_spec.lua", [[
      it("fails everywhere", function() error("the reason " .. tostring({}), 0) end)
      it("fails in one", function() assert(_VERSION ~= "Lua ]] .. one .. [[", "not here") end)
      it("passes", function() end)]])
    local output = run(one .. " " .. other)
    assert.equal(1, count(output, "fails everywhere"), output)
    assert.equal(1, count(output, "the reason"), output)
    assert.truthy(output:find("---- Lua " .. one .. " " .. other ..
      "\n[^\n]+common_spec.lua @ 1\nfails everywhere\n"), output)
    assert.truthy(output:find("---- Lua " .. one .. "\n[^\n]+common_spec.lua @ 2\nfails in one\n"), output)
    assert.truthy(output:find(("\nLua %s: 1 passed, 2 failed, 0 skipped\nLua %s: 2 passed, 1 failed, 0 skipped\n" ..
      "total: 3 passed, 3 failed\n$"):format(one, other)), output)
  end)

  it("skips a Lua without the required modules, and prints what it lacks", function()
    file.write(scratch .. "/a_spec.lua", [[it("passes", function() end)]])
    file.write(scratch .. "/lua5.8", "#!/bin/sh\ncase $2 in *cjson*) exit 1 ;; esac\n")
    assert(os.execute("chmod +x " .. scratch .. "/lua5.8"))
    local output = run(one .. " 5.8 5.9", "PATH=" .. scratch .. ":$PATH")
    assert.truthy(output:find("\nLua 5.8: skipped, without liblua5.8-dev, lua-cjson for Lua 5.8\n" ..
      "Lua 5.9: skipped, without lua5.9, liblua5.9-dev\ntotal: 1 passed, 0 failed, 2 skipped\n", 1, true), output)
    assert.truthy(run("5.9"):find "total: 0 passed, 1 failed, 1 skipped\n$")
  end)

  it("ends a run if a spec file takes too long, and prints which", function()
    file.write(scratch .. "/a_spec.lua", [[it("passes", function() end)]])
    file.write(scratch .. "/b_spec.lua", [[it("hangs", function() while true do end end)]])
    local output = run(one, "SPEC_SECONDS=8 PROGRESS_SECONDS=1")
    local second = "file 2 " .. scratch .. "/b_spec.lua\n"
    assert.truthy(output:find("Timeout: a spec file took longer than 8 s: " .. second, 1, true), output)
    assert.truthy(output:find("Lua " .. one .. ": " .. second, 1, true), output) -- progress
    assert.truthy(output:find("total: 0 passed, 1 failed\n$"), output)
  end)

  it("excludes only specs that exist", function()
    local checked = 0
    for name in file.read("tools/run-specs"):match("for name in (.-); do"):gmatch "'([^']+)'" do
      checked = checked + 1
      assert.is_true(shell.succeeds(("grep -rqF '%s' spec --include='*_spec.lua'"):format(name)), name)
    end
    assert.is_true(checked > 0)
  end)
end)
