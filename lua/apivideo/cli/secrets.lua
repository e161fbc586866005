--- The options `--secret` and `--secret-file`, and the secrets that they name.

local credential = require "apivideo.cli.credential"
local settings = require "apivideo.cli.settings"

local MAX_BYTES = 4096

local secrets = {}

--- How to give a secret.
secrets.WAYS = "--secret, --secret-file or APIVIDEO_WEBHOOK_SECRET"

--- The message without a secret.
secrets.MISSING = "no secret; use --secret or --secret-file, or set APIVIDEO_WEBHOOK_SECRET"

-- The converter of --secret-file: the secret in a file, whose last newline editors add. In its messages, no colon
-- follows the option: what follows would be redacted, as the value of a secret header.
local function read(path)
  local file, problem = io.open(path, "rb")
  local text
  if file then
    text, problem = file:read(MAX_BYTES)
    file:close()
  end
  if not text and not problem then return nil, ("--secret-file %s is empty"):format(path) end
  if not text then
    return nil, ("--secret-file %s cannot be read (%s)"):format(path, problem:match "^.*: (.*)$" or problem)
  end
  local secret = text:gsub("\r?\n$", "")
  return credential.new("--secret-file " .. path)(secret)
end

--- Defines the options.
---@param sub table of argparse
---@param description string of --secret
---@return table secret, table file the options, for `mutex`
function secrets.define(sub, description)
  local secret = sub:option("--secret", description):argname "<secret>":count "*":convert(credential.new "--secret")
  local file = sub:option("--secret-file", "A file with the secret, so that it is not in the list of processes.")
    :argname "<file>":count "*":convert(read)
  return secret, file
end

--- The secrets in the options, otherwise the one in the environment or in the file of settings.
---@param arguments table
---@return string[]|nil secrets none: an empty list
---@return string? problem
function secrets.of(arguments)
  local list = {}
  for _, name in ipairs { "secret", "secret_file" } do
    for _, secret in ipairs(arguments[name]) do list[#list + 1] = secret end
  end
  if #list > 0 then return list end
  local secret, problem = settings.webhook_secret(arguments)
  if problem then return nil, problem end
  return { secret }
end

--- The one secret to sign with.
---@param arguments table
---@return string|nil secret nil without one
---@return string? problem
function secrets.one(arguments)
  local list, problem = secrets.of(arguments)
  if not list then return nil, problem end
  if #list <= 1 then return list[1] end
  return nil, ("one secret signs a delivery, got %d; use --secret or --secret-file once"):format(#list)
end

return secrets
