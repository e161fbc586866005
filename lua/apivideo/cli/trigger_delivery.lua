--- How `apivideo trigger` sends a message: from here to a URL, or through a local api.video.

local header_lines = require "apivideo.cli.header_lines"
local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local outgoing = require "apivideo.events.outgoing"
local output = require "apivideo.cli.output"
local redact = require "apivideo.util.redact"
local secrets = require "apivideo.cli.secrets"
local sender = require "apivideo.emulator.sender"
local shell = require "apivideo.util.shell"

local trigger_delivery = {}

--- Not argparse's defaults: with those, an option that is given looks like one that is not.
trigger_delivery.DEFAULTS = {
  webhook_id = outgoing.WEBHOOK_ID, max_attempts = 1, interval = 3, api_key = "local-key",
}
local DEFAULTS = trigger_delivery.DEFAULTS

-- What a message is, for the end of a line.
local function description(message)
  return message.event and output.describe_event(message.event) or #message.raw .. " bytes"
end

local function print_attempt(out, message, delivery, attempt)
  local is_delivered = delivery.state == "delivered"
  local record = output.attempt_record(delivery, attempt)
  record.event = message.event
  out:print(record, ("%s attempt %d: %s  %s"):format(
    out:paint(is_delivered and "green" or "red", is_delivered and "delivered" or "failed"), #delivery.attempts,
    output.describe_attempt(attempt), out:paint("dim", description(message))))
end

-- The likely reason of a response 401, and the remedy.
local function rejection(secret, webhookId)
  if not secret then
    return "the deliveries were not signed; sign them with the secret that the receiver verifies with: " .. secrets.WAYS
  end
  return ("the receiver verifies with another secret than the one that signed, or has no webhook %s (--webhook-id);"
    .. " its log has the reason. Sign with the receiver's secret, the signatureSecret of its webhook: %s. Only the"
    .. " local api.video of apivideo listen --emulate knows its secret: use --through and its URL")
    :format(webhookId, secrets.WAYS)
end

-- The function that sends a message from here.
local function to_url(arguments, out)
  local secret, problem = secrets.one(arguments)
  if problem then return nil, problem end
  local policy = {
    max_attempts = arguments.max_attempts or DEFAULTS.max_attempts, interval = arguments.interval or DEFAULTS.interval,
    timeout = sender.policy.timeout, headers = header_lines.replacements(arguments.header),
    connection = { ca_file = arguments.ca_file, insecure = arguments.insecure },
  }
  local webhookId, is_explained = arguments.webhook_id or DEFAULTS.webhook_id, false
  return function(message)
    local delivery, invalid = sender.new { url = arguments.to, raw = message.raw, webhookId = webhookId }, nil
    sender.send(delivery, secret, policy, function(attempt)
      invalid = attempt.err and attempt.err.kind == "invalid_request" and attempt.err
      if not invalid then print_attempt(out, message, delivery, attempt) end
      if attempt.status == 401 and not is_explained then
        output.warn(rejection(secret, webhookId))
        is_explained = true
      end
    end)
    if invalid then return 2, ("nothing was sent to %s: %s"):format(redact.text(arguments.to), invalid.message) end
    return delivery.state == "delivered" and 0 or 1
  end
end

-- Why there is no 202. Only responses of an api.video have a title: those of receivers are empty, also with 401.
local function refusal(status, title)
  if title and status == 401 then return "the API key must be the --api-key of that apivideo emulate" end
  if title and status == 400 then return title end
  return "--through must be the base URL of a local api.video, as apivideo emulate or apivideo listen --emulate prints"
    .. " it: without a path, such as http://127.0.0.1:8100; to send to a receiver, use --to"
end

-- The number of webhooks to which the local api.video sends a message; or nil, a status and a message.
local function emit(arguments, message)
  local response, err = http.request {
    method = "POST", url = arguments.through:gsub("/+$", "") .. "/emulator/events",
    headers = { "Content-Type: application/json" }, username = arguments.api_key or DEFAULTS.api_key,
    body = message.raw, ca_file = arguments.ca_file, insecure = arguments.insecure,
  }
  if not response then return nil, err.kind == "invalid_request" and 2 or 1, err end
  local body = json.decode(response.body)
  if response.status == 202 and type(body) == "table" then return body.deliveries end
  return nil, 1, ("%s responded with status %d: %s"):format(redact.text(arguments.through), response.status,
    refusal(response.status, type(body) == "table" and body.title))
end

-- The function that lets a local api.video send a message.
local function through(arguments, out)
  return function(message)
    local count, status, problem = emit(arguments, message)
    if not count then return status, problem end
    local line = ("The local api.video sends the event to %d %s.  %s"):format(count,
      count == 1 and "webhook" or "webhooks", out:paint("dim", description(message)))
    if count == 0 then
      local name, url = message.event.type, redact.text(arguments.through)
      line = ("%s\nNone subscribes to %s: create one with POST /webhooks, or with: apivideo webhooks create URL"
        .. " --event %s --base-url %s --api-key KEY"):format(line, name, shell.quote(name), shell.quote(url))
    end
    out:print({ deliveries = count, event = message.event }, line)
    return 0
  end
end

--- A function that sends a message, and returns the status of the command, and a message if the command must end.
---@param arguments table
---@param out apivideo.cli.Output
---@return (fun(message: apivideo.cli.Message): integer, any)|nil send
---@return string? problem
function trigger_delivery.new(arguments, out)
  return (arguments.to and to_url or through)(arguments, out)
end

return trigger_delivery
