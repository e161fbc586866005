-- Compares what make manual writes with the list of commands.

local commands = require "apivideo.cli.commands"
local file = require "spec.support.file"
local manual = dofile "tools/manual.lua"

describe("make manual", function()
  it("has written the table of commands of the guide", function()
    local guide = file.read(manual.guide)
    assert(manual.with_table(guide) == guide, manual.guide .. " is stale: run make manual")
    for _, command in ipairs(commands) do
      assert.truthy(guide:find(("| [`%s`](#apivideo-%s)"):format(command.name, command.name), 1, true),
        ("%s has no section: ## apivideo %s"):format(manual.guide, command.name))
    end
  end)
end)
