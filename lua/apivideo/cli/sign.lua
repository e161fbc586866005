--- `apivideo sign`: prints the signature of a body.

local body = require "apivideo.cli.body"
local outgoing = require "apivideo.events.outgoing"
local secrets = require "apivideo.cli.secrets"
local settings = require "apivideo.cli.settings"

local sign = {}

--- Defines the subcommand.
function sign.define(sub)
  sub:description("Prints the signature of a body: the lower-case hexadecimal HMAC-SHA256 of its exact bytes, with the"
    .. " whole signatureSecret as the key. A newline at the end of the body is part of it.")
  sub:argument("file", "The file with the body. Default: standard input."):args "?"
  secrets.define(sub, "The signatureSecret of the webhook. Default: APIVIDEO_WEBHOOK_SECRET.")
  settings.define_profile(sub)
  sub:flag("--headers", "Print all headers of a delivery.")
  sub:option("--webhook-id", "The webhook id in the headers. Default: " .. outgoing.WEBHOOK_ID .. "."):argname "<id>"
end

local function lines_of(headers)
  local lines = {}
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  table.sort(lines)
  return table.concat(lines, "\n")
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function sign.run(arguments, out)
  if arguments.webhook_id and not arguments.headers then return 2, "--webhook-id needs --headers" end
  local secret, problem = secrets.one(arguments)
  if not secret then return 2, problem or secrets.MISSING end
  local raw
  raw, problem = body.of_file(arguments.file or "-")
  if not raw then return 2, problem end
  local headers = outgoing.headers(raw, arguments.webhook_id or outgoing.WEBHOOK_ID, secret)
  local signature = headers["X-Api-Video-Signature"]
  if arguments.headers then
    out:print({ signature = signature, headers = headers }, lines_of(headers))
  else
    out:print({ signature = signature }, signature)
  end
  return 0
end

return sign
