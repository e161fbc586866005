--- The command `apivideo`. This directory has a module for each subcommand, which defines its arguments and runs it, and
--- modules for what subcommands share: argument converters, settings and output.

-- What `apivideo --help` does not need is required where it is used: compiling it would take longer than printing the
-- help.
local argparse = require("apivideo.util.packages").load("argparse", "argparse")
local commands = require "apivideo.cli.commands"
local help = require "apivideo.cli.help"
local stdout = require "apivideo.cli.stdout"

local cli = {}

-- Defines the commands of a list. Only the command that is used is loaded and defined completely: help that lists the
-- others needs their summaries only.
local function define(parser, list, target, names, depth)
  parser:command_target(target)
  for _, command in ipairs(list) do
    local sub = parser:command(command.name)
    -- With argparse 0.6, which has no summaries, the list of commands contains their descriptions.
    if sub.summary then sub:summary(command.summary) else sub:description(command.summary) end
    if not names or names[depth] == command.name then
      sub:description(command.summary)
      help.define(sub)
      if command.group then
        define(sub, require(command.group), target == "command" and "subcommand" or target, names, depth + 1)
      else
        sub:flag("--json", "Print one JSON object per line, for programs.")
        require(command.module).define(sub)
        if names then require("apivideo.cli.usage").define_rest(sub) end
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
      .. "Settings: options, then APIVIDEO_API_KEY, APIVIDEO_BASE_URL, APIVIDEO_WEBHOOK_SECRET and APIVIDEO_STORE,"
      .. " then the file $XDG_CONFIG_HOME/apivideo/config.lua (mode 0600), a Lua table with profiles:\n"
      .. "  return { api_key = \"KEY\", profiles = { sandbox = { api_key = \"KEY\",\n"
      .. "    environment = \"sandbox\", webhook_secret = \"sig_sec_XXX\" } } }\n\n"
      .. "Exit status: 0 success, 1 failure, 2 usage error.")
  if self.help_max_width then self:help_max_width(help.columns()):usage_max_width(help.columns()) end
  help.define(self)
  self:flag("--version", "Print the version and exit."):action(function()
    stdout.print_and_exit("apivideo " .. require "apivideo.version" .. "\n")
  end)
  define(self, commands, "command", arguments, 1)
  return self
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
  function parser.error(_, problem)
    error({ status = 2, message = require("apivideo.cli.usage").explain(problem, arguments) }, 0)
  end
  local parsed = parser:parse(with_joined_numbers(arguments))
  local module = require("apivideo.cli.lookup").module_of(parsed)
  return require(module).run(parsed, require("apivideo.cli.output").new(parsed.json))
end

-- A message handler for xpcall. Not a tail call, which Lua 5.1 counts as a level.
local function raised(err)
  local result = require("apivideo.cli.misuse").raised(err, 3)
  return result
end

--- Runs the command.
---@param arguments string[]
---@return integer status 0 success, 1 failure, 2 usage error, 130 interrupted
function cli.main(arguments)
  arguments = with_help(arguments)
  local done, status, message = xpcall(function() return run(arguments) end, raised)
  if not done then status, message = require("apivideo.cli.misuse").parts(status) end
  require("apivideo.cli.progress").clear()
  if message or status == 2 then require("apivideo.cli.failure").report(status, message, arguments) end
  return status
end

return cli
