--- The command `apivideo`, for development on your own machine. This directory has a module for each subcommand, which
--- defines its arguments and runs it, and modules for what subcommands share: argument converters and output.

local argparse = require "argparse"
local redact = require "apivideo.util.redact"
local version = require "apivideo.version"

local SUBCOMMANDS = {
  emulate = require "apivideo.cli.emulate",
  listen = require "apivideo.cli.listen",
  reconcile = require "apivideo.cli.reconcile",
  trigger = require "apivideo.cli.trigger",
}

local cli = {}

--- Creates the argument parser.
function cli.parser()
  local self = argparse("apivideo",
    "Develop and test receivers of api.video's webhooks on your own machine.",
    "Example, in two terminals:\n"
      .. "  apivideo listen --port 8080 --secret sig_sec_test\n"
      .. "  apivideo trigger video.encoding.quality.completed \\\n"
      .. "    --to http://127.0.0.1:8080/ --secret sig_sec_test\n\n"
      .. "Exit status: 0 success, 1 failure, 2 usage error.")
  self:flag("--version", "Print the version and exit."):action(function()
    print("apivideo " .. version)
    os.exit(0)
  end)
  self:command_target("command")
  for _, name in ipairs { "emulate", "listen", "reconcile", "trigger" } do
    local sub = self:command(name)
    sub:flag("--json", "Print one JSON object per line, for programs.")
    -- With argparse 0.6, which has no summaries, the list of commands contains their descriptions.
    if sub.summary then sub:summary(SUBCOMMANDS[name].summary) end
    SUBCOMMANDS[name].define(sub)
  end
  return self
end

-- The secrets in the arguments and the environment, so that messages can redact them.
local function secrets_of(arguments)
  local list = { os.getenv "APIVIDEO_API_KEY" }
  for i, text in ipairs(arguments) do
    local name, value = text:match "^(%-%-[%w-]+)=?(.*)$"
    if name and redact.is_secret(name) then list[#list + 1] = value ~= "" and value or arguments[i + 1] end
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

--- Runs the command.
---@param arguments string[]
---@return integer status 0 success, 1 failure, 2 usage error
function cli.main(arguments)
  local function print_error(text) io.stderr:write("apivideo: ", redact.text(text, secrets_of(arguments)), "\n") end
  local function report_misuse(text)
    print_error(("%s\nSee: apivideo %s--help"):format(text, SUBCOMMANDS[arguments[1]] and arguments[1] .. " " or ""))
    return 2
  end
  local ok, parsed = cli.parser():pparse(with_joined_numbers(arguments))
  if not ok then return report_misuse(parsed) end
  local done, status, message = pcall(SUBCOMMANDS[parsed.command].run, parsed)
  -- The library raises only on misuse, which means invalid arguments here. The source position is useless to the user.
  if not done then status, message = 2, tostring(status):gsub("^[^\n]-:%d+: ", "") end
  if status == 2 then return report_misuse(message) end
  if message then print_error(tostring(message)) end
  return status
end

return cli
