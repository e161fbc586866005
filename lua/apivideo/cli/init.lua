--- The command `apivideo`. This directory has a module for each subcommand, which defines its arguments and runs it, and
--- modules for what subcommands share: argument converters, settings and output.

local argparse = require "argparse"
local commands = require "apivideo.cli.commands"
local help = require "apivideo.cli.help"
local misuse = require "apivideo.cli.misuse"
local output = require "apivideo.cli.output"
local progress = require "apivideo.cli.progress"
local usage = require "apivideo.cli.usage"
local version = require "apivideo.version"

local cli = {}

-- The command with a name in a list; nil if the list has no such command.
local function find(list, name)
  for _, command in ipairs(list) do
    if command.name == name then return command end
  end
end

-- Defines the commands of a list. Only the command that is used is loaded and defined completely: help that lists the
-- others needs their summaries only.
local function define(parser, list, target, names, depth)
  parser:command_target(target)
  for _, command in ipairs(list) do
    local sub = parser:command(command.name)
    -- With argparse 0.6, which has no summaries, the list of commands contains their descriptions.
    if sub.summary then sub:summary(command.summary) end
    sub:description(command.summary)
    if not names or names[depth] == command.name then
      help.define(sub)
      if command.commands then
        define(sub, command.commands, target == "command" and "subcommand" or target, names, depth + 1)
      else
        sub:flag("--json", "Print one JSON object per line, for programs.")
        require(command.module).define(sub)
        if names then usage.define_rest(sub) end
      end
    end
  end
end

--- Creates the argument parser.
---@param arguments? string[] only the command that they name is defined with its options; default: each
---@return table
function cli.parser(arguments)
  local self = argparse("apivideo",
    "Receives and sends api.video's webhooks, manages webhooks, and operates inboxes.",
    "Example, in two terminals:\n"
      .. "  apivideo listen --port 8080 --secret sig_sec_test\n"
      .. "  apivideo trigger video.encoding.quality.completed \\\n"
      .. "    --to http://127.0.0.1:8080/ --secret sig_sec_test\n\n"
      .. "Settings: options, then APIVIDEO_API_KEY, APIVIDEO_WEBHOOK_SECRET and APIVIDEO_STORE, then the file"
      .. " $XDG_CONFIG_HOME/apivideo/config.lua (mode 0600), a Lua table with profiles:\n"
      .. "  return { api_key = \"KEY\", profiles = { sandbox = { api_key = \"KEY\",\n"
      .. "    environment = \"sandbox\", webhook_secret = \"sig_sec_XXX\" } } }\n\n"
      .. "Exit status: 0 success, 1 failure, 2 usage error.")
  if self.help_max_width then self:help_max_width(help.columns()):usage_max_width(help.columns()) end
  help.define(self)
  self:flag("--version", "Print the version and exit."):action(function()
    output.print_and_exit("apivideo " .. version .. "\n")
  end)
  define(self, commands, "command", arguments, 1)
  return self
end

-- The words of the arguments that name a command, such as `apivideo webhooks list`; and the commands of the group, if
-- they name a group only.
local function path_of(arguments)
  local words, list = { "apivideo" }, commands
  for _, text in ipairs(arguments) do
    local command = list and find(list, text)
    if not command then break end
    words[#words + 1] = text
    list = command.commands
  end
  return table.concat(words, " "), list
end

-- The module that runs the command.
local function module_of(parsed)
  local command = find(commands, parsed.command)
  if command.commands then command = find(command.commands, parsed.subcommand) end
  return require(command.module)
end

-- The secrets in the arguments and the environment, so that messages can redact them.
local function secrets_of(arguments)
  local redact, list = require "apivideo.util.redact", {}
  for _, name in ipairs { "APIVIDEO_API_KEY", "APIVIDEO_WEBHOOK_SECRET" } do list[#list + 1] = os.getenv(name) end
  for i, text in ipairs(arguments) do
    local name, value = text:match "^(%-%-[%w-]+)=?(.*)$"
    if name and redact.is_secret(name) and not name:find "%-file$" then
      list[#list + 1] = value ~= "" and value or arguments[i + 1]
    end
  end
  return list
end

-- The arguments with each negative number joined to the option before it: argparse takes `-1` for an option, and would
-- report it as unknown. Joined, as `--interval=-1`, it reaches the check of its option.
local function with_joined_numbers(arguments)
  local list = {}
  for _, text in ipairs(arguments) do
    local last = list[#list]
    if text:find "^%-%.?[0-9]" and last and last:find "^%-%-[a-z-]+$" then
      list[#list] = last .. "=" .. text
    else
      list[#list + 1] = text
    end
  end
  return list
end

-- `help listen` is `listen --help`.
local function with_help(arguments)
  if arguments[1] ~= "help" then return arguments end
  local list = { (unpack or table.unpack)(arguments, 2) }
  list[#list + 1] = "--help"
  return list
end

-- Parses the arguments and runs the command. Not with `pparse`, which removes the call stack of a bug.
local function run(arguments)
  local parser = cli.parser(arguments)
  function parser.error(_, problem) error({ status = 2, message = usage.explain(problem, path_of(arguments)) }, 0) end
  local parsed = parser:parse(with_joined_numbers(arguments))
  return module_of(parsed).run(parsed, output.new(parsed.json))
end

--- Runs the command.
---@param arguments string[]
---@return integer status 0 success, 1 failure, 2 usage error, 130 interrupted
function cli.main(arguments)
  arguments = with_help(arguments)
  local done, status, message = xpcall(function() return run(arguments) end, misuse.raised)
  if not done then status, message = misuse.parts(status) end
  progress.clear()
  if message then
    local text = require("apivideo.util.redact").text(tostring(message), secrets_of(arguments))
    io.stderr:write("apivideo: ", text, "\n")
  end
  if status == 2 then io.stderr:write("See: ", (path_of(arguments)), " --help\n") end
  return status
end

return cli
