--- `apivideo completion`: prints the script that makes a shell complete the command's arguments. Argparse writes it.

local events = require "apivideo.events"
local filter = require "apivideo.cli.inbox.filter"
local packages = require "apivideo.util.packages"

local SHELLS = { bash = true, zsh = true, fish = true }

-- The values of options, by name. An event may have a type that is not among them, and the checks of the others have
-- better messages than argparse: so its `choices` are set for completion only.
local TYPES = events:names()
local VALUES = {
  ["--environment"] = { "production", "sandbox" }, ["--state"] = filter.STATES, ["--type"] = TYPES, ["--event"] = TYPES,
  ["--events"] = TYPES,
}

local completion = {}

local function shell(text)
  if SHELLS[text] then return text end
  return nil, ("the shell must be bash, zsh or fish, got '%s'"):format(text)
end

--- Defines the subcommand.
function completion.define(sub)
  sub:description("Prints a script for bash, zsh or fish, which completes the arguments of apivideo. The line for the"
    .. " shell's start-up file: eval \"$(apivideo completion bash)\", the same with zsh after compinit; in fish:"
    .. " apivideo completion fish | source")
  local argument = sub:argument("shell", "bash, zsh or fish."):convert(shell)
  if argument.choices then argument:choices { "bash", "zsh", "fish" } end -- which are completed; in argparse 0.7
end

-- Argparse's script for zsh is a file of $fpath, which runs its function at once. Evaluated in a start-up file, it must
-- define the function only.
local function for_both_uses(text)
  return (text:gsub("\n_apivideo\n$", [[

if [ "$funcstack[1]" = _apivideo ]; then
  _apivideo "$@"
else
  compdef _apivideo apivideo
fi
]]))
end

-- Adds the values of the options of a parser and of its commands.
local function add_values(parser)
  for _, option in ipairs(parser._options) do
    for _, name in ipairs(option._aliases) do
      if VALUES[name] then option:choices(VALUES[name]) end
    end
  end
  for _, command in ipairs(parser._commands) do add_values(command) end
end

--- The script for a shell.
---@param name "bash"|"zsh"|"fish"
---@return string|nil text
---@return string? problem
function completion.script(name)
  local parser = require("apivideo.cli").parser()
  local write = parser[("get_%s_complete"):format(name)]
  if not write then
    return nil, ("argparse 0.7 or newer is needed for completion, and this is %s; %s"):format(
      tostring(require("argparse").version or "older than 0.6"), packages.remedy "argparse")
  end
  add_values(parser)
  local text = write(parser)
  return name == "zsh" and for_both_uses(text) or text
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function completion.run(arguments, out)
  local text, problem = completion.script(arguments.shell)
  if not text then return 1, problem end
  out:print({ script = text }, (text:gsub("\n$", "")))
  return 0
end

return completion
