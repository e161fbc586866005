-- The workflows cannot run here. These specs check that what they call exists.

local docs = require "spec.support.docs"

local WORKFLOWS = { ".github/workflows/ci.yml", ".github/workflows/release.yml" }

-- The commands of a workflow's steps. A folded one (>-) ends with its indentation.
local function commands_of(text)
  local commands, folded = {}, nil
  for line in text:gmatch "[^\n]+" do
    local indentation, command = line:match "^(%s*)%- run: (.*)$"
    if command then
      commands[#commands + 1] = command
      folded = command:find "^>" and #indentation
    elseif folded and #line:match "^%s*" > folded + 2 then
      commands[#commands] = commands[#commands] .. " " .. line:match "^%s*(.*)$"
    else
      folded = nil
    end
  end
  return commands
end

describe("workflows", function()
  for _, path in ipairs(WORKFLOWS) do
    local commands = commands_of(docs.read(path))

    it("call targets and files that exist: " .. path, function()
      assert.truthy(#commands > 0)
      for _, command in ipairs(commands) do
        local target = command:match "%f[%w]make ([%w-]+)" -- not "apk add … make …"
        if target and not command:find "install" and not command:find "apk add" then
          local makefiles = docs.read "Makefile" .. docs.read "tools/checks.mk"
          assert.truthy(makefiles:find("\n" .. target .. ":", 1, true), command)
        end
        if command:find "^%." or command:find "^tools/" then
          assert.equal("#!", docs.read(command:match "^%S+"):sub(1, 2))
        end
      end
    end)

    it("have no expression in a command, which would allow shell injection: " .. path, function()
      for _, command in ipairs(commands) do assert.is_nil(command:find("${{", 1, true), command) end
    end)
  end

  it("pass only variables that a tool reads", function()
    local tool = docs.read "tools/check-rock"
    for name in docs.read(WORKFLOWS[1]):gmatch "%f[%w]([A-Z_]+)=[^\n]" do
      if not name:find "_DIR$" and not name:find "_INCDIR$" and name ~= "LUA_INCDIR" then
        assert.truthy(tool:find("${" .. name, 1, true), name)
      end
    end
  end)

  it("build the rock with every Lua that the rockspec supports", function()
    local list = docs.read(WORKFLOWS[1]):match "lua: (%b[])"
    for _, lua in ipairs { "5.1", "5.2", "5.3", "5.4", "5.5", "luajit" } do
      assert.truthy(list:find(lua, 1, true), lua)
    end
    assert.truthy(docs.read("apivideo-scm-1.rockspec"):find("< 5.6", 1, true))
  end)
end)
