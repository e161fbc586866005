--- What the command prints to stderr when it fails.

local lookup = require "apivideo.cli.lookup"
local redact = require "apivideo.util.redact"

local failure = {}

-- The secrets in the arguments and the environment, so that messages can redact them.
local function secrets_of(arguments)
  local list = {}
  for _, name in ipairs { "APIVIDEO_API_KEY", "APIVIDEO_WEBHOOK_SECRET" } do list[#list + 1] = os.getenv(name) end
  for i, text in ipairs(arguments) do
    local name, value = text:match "^(%-%-[%w-]+)=?(.*)$"
    if name and redact.is_secret(name) and not name:find "%-file$" then
      list[#list + 1] = value ~= "" and value or arguments[i + 1]
    end
  end
  return list
end

--- Prints the message, and after a usage error the command that prints the help.
---@param status integer of the command
---@param message any nil if the command has printed why it failed
---@param arguments string[]
function failure.report(status, message, arguments)
  if message then io.stderr:write("apivideo: ", redact.text(tostring(message), secrets_of(arguments)), "\n") end
  if status == 2 then io.stderr:write("See: ", (lookup.path_of(arguments)), " --help\n") end
end

return failure
