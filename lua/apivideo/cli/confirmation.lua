--- A question before something that cannot be undone.

local core = require "apivideo.cli.core"
local progress = require "apivideo.cli.progress"

local STDIN_FD, STDERR_FD = 0, 2

local confirmation = {}

--- Defines `--yes`.
---@param sub table of argparse
function confirmation.define(sub)
  sub:flag("--yes", "Do not ask.")
end

--- Asks on a terminal.
---@param arguments table
---@param question string such as "Delete 3 webhooks?"
---@return boolean is_confirmed
---@return integer? status of the command, if not
---@return string? problem
function confirmation.ask(arguments, question)
  if arguments.yes then return true end
  if not core.is_terminal(STDIN_FD) or not core.is_terminal(STDERR_FD) then
    return false, 2, question .. " There is no terminal to ask on; use --yes"
  end
  progress.clear()
  io.stderr:write(question, " [y/N] ")
  io.stderr:flush()
  local line = io.stdin:read "*l"
  if line and line:find "^%s*[yY][eE]?[sS]?%s*$" then return true end
  return false, 1, "nothing was changed"
end

return confirmation
