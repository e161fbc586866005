--- `apivideo listen`: runs a receiver that prints each delivery.

local account = require "apivideo.cli.account"
local apivideo = require "apivideo"
local credential = require "apivideo.cli.credential"
local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local server = require "apivideo.server"

local listen = { summary = "Receive deliveries and print the result, the status, the event and the time of each." }

--- Defines the subcommand.
function listen.define(sub)
  sub:description("Receives deliveries and prints each. Verifies signatures with --secret, or with the secrets of the"
    .. " account of --api-key (default: APIVIDEO_API_KEY). With --unsigned, it does not verify signatures.")
  sub:option("--port", "The port to listen on; 0: any free port."):default "8080":convert(numbers.port "--port")
  sub:option("--host", "The address to listen on."):default "127.0.0.1"
  sub:mutex(
    sub:option("--secret", "The signatureSecret of a webhook; can be repeated."):count "*"
      :convert(credential.new "--secret"),
    sub:option("--api-key", "Get the secrets from api.video with this API key."):convert(credential.new "--api-key"),
    sub:flag("--unsigned", "Accept deliveries without verifying signatures."))
  account.define(sub)
end

-- What is wrong with options that need an API key; otherwise nil.
local function mode_problem(arguments)
  local other = arguments.unsigned and "--unsigned" or #arguments.secret > 0 and "--secret"
  local name = arguments.environment and "--environment" or arguments.base_url and "--base-url"
  if not other or not name then return nil end
  return ("%s needs an API key; remove it, or use --api-key instead of %s"):format(name, other)
end

-- The secrets, or their source; nil and a message if the arguments name none.
local function secrets_of(arguments)
  if #arguments.secret > 0 then return arguments.secret end
  local client, problem = account.client(arguments, "no secret to verify signatures with; use --secret, --api-key or"
    .. " --unsigned")
  if not client then return nil, problem end
  return client.webhooks:secret_source()
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
    outcome.status, (text:gsub("%c", "?")), out:paint("dim", time)))
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@return integer status
---@return any message
function listen.run(arguments)
  local secrets, problem = nil, mode_problem(arguments)
  if problem then return 2, problem end
  if not arguments.unsigned then
    secrets, problem = secrets_of(arguments)
    if not secrets then return 2, problem end
  end
  local out = output.new(arguments.json)
  apivideo.log { level = "error" } -- rejections are printed
  local receiver = apivideo.receiver {
    handlers = apivideo.handlers():otherwise(function() end),
    secrets = secrets, unsigned = arguments.unsigned,
    on_outcome = function(outcome) print_outcome(out, outcome) end,
  }
  local self, err = server.listen { host = arguments.host, port = arguments.port, receiver = receiver }
  if not self then return 1, err end
  out:print({ url = self.url }, ("Listening on %s. Press Ctrl-C to stop."):format(self.url))
  local ok, stop_problem = self:run()
  return ok and 0 or 1, stop_problem
end

return listen
