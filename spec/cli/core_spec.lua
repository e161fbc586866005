-- What the command asks about its terminal.

local core = require "apivideo.cli.core"
local process = require "spec.support.process"
local shell = require "spec.support.shell"

describe("terminal_columns", function()
  it("is nil for what is not a terminal, and for a descriptor that is not open", function()
    local output, status = process.run({ "-e", [[
      local core = require "apivideo.cli.core"
      for _, fd in ipairs { 0, 1, 1000000 } do assert(core.terminal_columns(fd) == nil and not core.is_terminal(fd)) end
      os.exit(0)]] })
    assert.equal(0, status, output)
  end)

  it("rejects what cannot be a descriptor", function()
    for _, fd in ipairs { -1, 2 ^ 32 + 1, 0.5, 0 / 0, "x", {} } do
      assert.has_error(function() core.terminal_columns(fd) end)
      assert.has_error(function() core.is_terminal(fd) end)
    end
  end)

  it("is the width of a terminal, and nil while it is unknown #process", function()
    if not shell.has "script" then return pending "script (of util-linux) is not installed" end
    local command = process.command { "-e",
      [[local core = require "apivideo.cli.core" print(core.is_terminal(1), core.terminal_columns(1))]] }
    for columns, printed in pairs { ["57"] = "57", ["0"] = "nil" } do
      local pipe = io.popen(("script -qec 'stty columns %s; %s' /dev/null < /dev/null"):format(columns,
        command:gsub("'", "'\\''")))
      local output = pipe:read "*a"
      pipe:close()
      assert.truthy(output:find("true\t" .. printed .. "\r?\n"), output)
    end
  end)
end)
