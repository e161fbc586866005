--- `apivideo listen`: runs a receiver that prints each delivery.

local apivideo = require "apivideo"
local credential = require "apivideo.cli.credential"
local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local secrets = require "apivideo.cli.secrets"
local server = require "apivideo.server"
local settings = require "apivideo.cli.settings"

local listen = {}

--- Defines the subcommand.
function listen.define(sub)
  sub:description("Receives deliveries and prints each. Verifies signatures with --secret, or with the secrets of the"
    .. " account of --api-key (default: APIVIDEO_API_KEY). With --unsigned, it does not verify signatures.")
  sub:option("--port", "The port to listen on; 0: any free port."):argname "<port>"
    :default "8080":convert(numbers.port "--port")
  sub:option("--host", "The address to listen on."):argname "<address>":default "127.0.0.1"
  local secret, file = secrets.define(sub, "The signatureSecret of a webhook; can be repeated.")
  sub:mutex(secret, file,
    sub:option("--api-key", "Get the secrets from api.video with this API key."):argname "<key>"
      :convert(credential.new "--api-key"),
    sub:flag("--unsigned", "Accept deliveries without verifying signatures."))
  settings.define_api(sub)
  settings.define(sub)
end

-- What is wrong with options that need an API key; otherwise nil.
local function mode_problem(arguments)
  local other = arguments.unsigned and "--unsigned" or #arguments.secret > 0 and "--secret"
    or #arguments.secret_file > 0 and "--secret-file"
  local name = arguments.environment and "--environment" or arguments.base_url and "--base-url"
    or arguments.ca_file and "--ca-file"
  if not other or not name then return nil end
  return ("%s needs an API key; remove it, or use --api-key instead of %s"):format(name, other)
end

-- The secrets, or their source; nil and a message if there are none.
local function secrets_of(arguments)
  if not arguments.api_key then
    local list, problem = secrets.of(arguments)
    if problem or #list > 0 then return list, problem end
  end
  local self, problem = settings.account(arguments)
  if not self then
    return nil, problem or "no secret to verify signatures with; use --secret, --secret-file, --api-key or --unsigned"
  end
  return apivideo.client(self).webhooks:secret_source()
end

local function result_of(outcome)
  if outcome.err then return "rejected" end
  return outcome.delivery.verified and "verified" or "unsigned"
end

local function print_outcome(out, outcome)
  local result, time = result_of(outcome), ("%.2f ms"):format(outcome.seconds * 1000)
  local record = { result = result, status = outcome.status, seconds = outcome.seconds }
  local text
  if outcome.err then
    record.kind, record.error = outcome.err.kind, outcome.err.message
    text = ("%s: %s"):format(outcome.err.kind, outcome.err.message)
  else
    record.event, record.webhookId = outcome.event, outcome.delivery.webhook_id
    text = output.describe_event(outcome.event)
  end
  out:print(record, ("%s %d  %s  %s"):format(out:paint(outcome.err and "red" or "green", result),
    outcome.status, output.plain(text), out:paint("dim", time)))
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function listen.run(arguments, out)
  local problem, source = mode_problem(arguments)
  if problem then return 2, problem end
  if not arguments.unsigned then
    source, problem = secrets_of(arguments)
    if not source then return 2, problem end
  end
  apivideo.log { level = "error" } -- rejections are printed
  local receiver = apivideo.receiver {
    handlers = apivideo.handlers():otherwise(function() end),
    secrets = source, unsigned = arguments.unsigned,
    on_outcome = function(outcome) print_outcome(out, outcome) end,
  }
  local self, err = server.listen { host = arguments.host, port = arguments.port, receiver = receiver }
  if not self then return 1, err end
  out:print({ url = self.url }, ("Listening on %s. Press Ctrl-C to stop."):format(self.url))
  local ok, stop_problem = self:run()
  return ok and 0 or 1, stop_problem
end

return listen
