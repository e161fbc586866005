--- The option `--show-secrets`. Without it, secrets of api.video's objects are not printed: a terminal keeps what it
--- showed, and so do the logs of CI.

local redact = require "apivideo.util.redact"

local show_secrets = {}

--- Defines the option.
---@param sub table of argparse
function show_secrets.define(sub)
  sub:flag("--show-secrets", "Print secrets, too.")
end

-- A copy without the members that are secret, and with `***` for secrets in texts, such as the password of a URL.
local function without(value)
  if type(value) == "string" then return redact.text(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, item in pairs(value) do
    if type(name) ~= "string" or not redact.is_secret(name) then copy[name] = without(item) end
  end
  return setmetatable(copy, getmetatable(value))
end

--- An object as it may be printed.
---@param arguments table
---@param object table
---@return table
function show_secrets.visible(arguments, object)
  return arguments.show_secrets and object or without(object)
end

return show_secrets
