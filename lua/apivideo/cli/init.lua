--- The command `apivideo`: a local api.video, a receiver that shows what it gets, and single
--- deliveries, on your own machine.

local argparse = require "argparse"
local redact = require "apivideo.util.redact"
local version = require "apivideo.version"

local commands = {
  emulate = require "apivideo.cli.emulate",
  listen = require "apivideo.cli.listen",
  trigger = require "apivideo.cli.trigger",
}

local command = {}

--- The parser of its arguments.
function command.parser()
  local self = argparse("apivideo",
    "api.video's webhooks on your own machine.",
    "Try it, in two terminals:\n"
      .. "  apivideo listen --port 8080 --secret sig_sec_test\n"
      .. "  apivideo trigger video.encoding.quality.completed \\\n"
      .. "    --to http://127.0.0.1:8080/ --secret sig_sec_test\n\n"
      .. "Exit status: 0 success, 1 failure, 2 wrong usage.")
  self:flag("--version", "Print the version and exit."):action(function()
    print("apivideo " .. version)
    os.exit(0)
  end)
  self:command_target("command")
  for _, name in ipairs { "emulate", "listen", "trigger" } do
    local sub = self:command(name)
    sub:flag("--json", "Print one JSON object a line, for programs.")
    commands[name].define(sub)
  end
  return self
end

-- The secrets among the arguments, which no message may repeat.
local function secrets_of(arguments)
  local list = { os.getenv "APIVIDEO_API_KEY" }
  for i, text in ipairs(arguments) do
    local name, value = text:match "^(%-%-[%w-]+)=?(.*)$"
    if name and redact.is_secret(name) then list[#list + 1] = value ~= "" and value or arguments[i + 1] end
  end
  return list
end

--- Runs the command.
---@param arguments string[]
---@return integer status 0 success, 1 failure, 2 wrong usage
function command.main(arguments)
  local function complain(text) io.stderr:write("apivideo: ", redact.text(text, secrets_of(arguments)), "\n") end
  local function complain_of_usage(text)
    complain(("%s\nSee: apivideo %s--help"):format(text, commands[arguments[1]] and arguments[1] .. " " or ""))
    return 2
  end
  local ok, given = command.parser():pparse(arguments)
  if not ok then return complain_of_usage(given) end
  local done, status, message = pcall(commands[given.command].run, given)
  -- What raises is misuse, by what was given; where in the library it was noticed says nothing here.
  if not done then status, message = 2, tostring(status):gsub("^[^\n]-:%d+: ", "") end
  if status == 2 then return complain_of_usage(message) end
  if message then complain(tostring(message)) end
  return status
end

return command
