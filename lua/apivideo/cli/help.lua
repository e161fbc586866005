--- The option `--help`, and the width of what it prints.

local core = require "apivideo.cli.core"
local stdout = require "apivideo.cli.stdout"

local STDOUT_FD = 1
local MIN_COLUMNS, DEFAULT_COLUMNS, MAX_COLUMNS = 40, 80, 110

local help = {}

--- The columns of help: those of the terminal, within limits; 80 in a pipe.
---@return integer
function help.columns()
  local columns = core.terminal_columns(STDOUT_FD) or DEFAULT_COLUMNS
  return math.max(MIN_COLUMNS, math.min(columns, MAX_COLUMNS))
end

--- Defines `--help`. Argparse's own has exit status 0 even if its output could not be written.
---@param parser table of argparse
function help.define(parser)
  parser:add_help(false)
  parser:flag("-h --help", "Show this help and exit."):action(function()
    stdout.print_and_exit(parser:get_help() .. "\n")
  end)
end

return help
