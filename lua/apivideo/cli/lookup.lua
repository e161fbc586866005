--- Finds commands in their list.

local commands = require "apivideo.cli.commands"

local lookup = {}

-- The command with a name in a list; nil if the list has no such command.
local function find(list, name)
  for _, command in ipairs(list) do
    if command.name == name then return command end
  end
end

--- The words of the arguments that name a command, such as `apivideo webhooks list`; and the commands of the group, if
--- they name a group only.
---@param arguments string[]
---@return string
---@return apivideo.cli.Command[]?
function lookup.path_of(arguments)
  local words, list = { "apivideo" }, commands
  for _, text in ipairs(arguments) do
    local command = list and find(list, text)
    if not command then break end
    words[#words + 1] = text
    list = command.group and require(command.group)
  end
  return table.concat(words, " "), list
end

--- The name of the module that runs a command.
---@param parsed table as the argument parser returns the arguments
---@return string
function lookup.module_of(parsed)
  local command = find(commands, parsed.command)
  if command.group then command = find(require(command.group), parsed.subcommand) end
  return command.module
end

return lookup
