--- Usage errors: what argparse says, with the remedy.

local lookup = require "apivideo.cli.lookup"

local usage = {}

local function names_of(commands)
  local names = {}
  for i, command in ipairs(commands) do names[i] = command.name end
  return table.concat(names, ", ")
end

--- Adds the remedy.
---@param problem string of argparse
---@param arguments string[]
---@return string
function usage.explain(problem, arguments)
  local path, commands = lookup.path_of(arguments)
  if not commands then return problem end
  if problem == "a command is required" then
    return ("a command is required after '%s': %s"):format(path, names_of(commands))
  end
  local option = problem:match "^unknown option '(%-[^']*)'$" -- without a suggestion
  if option then return ("%s; options follow the command: %s <command> %s"):format(problem, path, option) end
  if problem:find "^unknown command '[^']*'$" then
    return ("%s; the commands: %s"):format(problem, names_of(commands))
  end
  return problem
end

-- Rejects an argument that no command takes.
local function reject(text)
  return nil, ("unexpected argument '%s'; if it belongs to an option, write it after the option"):format(text)
end

--- Defines a last argument that rejects what is left over: argparse says only "too many arguments".
---@param sub table of argparse
function usage.define_rest(sub)
  sub:argument("unexpected"):args "*":hidden(true):convert(reject)
end

return usage
