--- `apivideo trigger`: sends one signed delivery.

local credential = require "apivideo.cli.credential"
local derived = require "apivideo.events.derived"
local events = require "apivideo.events"
local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local numbers = require "apivideo.cli.numbers"
local outgoing = require "apivideo.events.outgoing"
local output = require "apivideo.cli.output"
local sender = require "apivideo.emulator.sender"
local spelling = require "apivideo.util.spelling"
local unknown = require "apivideo.events.unknown"
local url = require "apivideo.cli.url"

-- Not argparse's defaults: with those, an option that is given looks like one that is not.
local DEFAULTS = { webhook_id = outgoing.WEBHOOK_ID, max_attempts = 1, interval = 3, api_key = "local-key" }

-- The options that need --to, and the remedy for each with --through.
local ONLY_TO = {
  { "secret", "the local api.video signs with the secrets of its webhooks" },
  { "webhook_id", "the local api.video sends the ids of its webhooks" },
  { "max_attempts", "pass it to apivideo emulate" },
  { "interval", "pass it to apivideo emulate" },
}

local trigger = {}

--- Defines the subcommand.
function trigger.define(sub)
  sub:description("Sends one event to --to, signed with --secret, as api.video does. Or, with --through, lets a local"
    .. " api.video (apivideo emulate) send it to its webhooks.\n\nTypes: "
    .. table.concat(events:names(), ", "))
  sub:argument("type", "The type of the event.")
  sub:option("--to", "The URL to send it to."):argname "<url>":convert(url.new "--to")
  sub:option("--secret", "The signatureSecret to sign with. Default: no signature."):argname "<secret>"
    :convert(credential.new "--secret")
  sub:option("--webhook-id", "The webhook id in the delivery's headers. Default: " .. DEFAULTS.webhook_id .. ".")
    :argname "<id>"
  sub:option("--set", "A field of the event, as name=value; can be repeated."):argname "<name=value>":count "*"
  sub:option("--max-attempts", "Attempts at most; api.video has 3 or 4. Default: " .. DEFAULTS.max_attempts .. ".")
    :argname "<count>"
    :convert(numbers.max_attempts "--max-attempts")
  sub:option("--interval", "The time between two attempts, in seconds. Default: " .. DEFAULTS.interval .. ".")
    :argname "<seconds>"
    :convert(numbers.seconds "--interval")
  sub:option("--through", "The URL of a local api.video that sends the event to its webhooks."):argname "<url>"
    :convert(url.new "--through")
  sub:option("--api-key", "The API key for --through. Default: " .. DEFAULTS.api_key .. "."):argname "<key>"
    :convert(credential.new "--api-key")
end

-- Warns about an unknown type: it may be misspelled, or newer than this version.
local function warn_of_unknown(name)
  local near = spelling.nearest(name, events:names())
  output.warn(("unknown event type %s; sending it anyway; %s"):format(name,
    near and "did you mean " .. near .. "?" or "see: apivideo trigger --help"))
end

-- Warns about a field that is not in the catalogue: it may be misspelled, or newer than this version.
local function warn_of_field(kind, name)
  local hint = events.types[kind] and unknown.field(name, { events.types[kind] })
  if hint then output.warn(("%s has no field %s; sending it anyway; %s"):format(kind, name, hint)) end
end

-- The event to send; nil and a message if an argument is invalid.
local function event_of(arguments)
  if derived.is(arguments.type) then
    return nil, derived.refusal(arguments.type) .. "; send an event that is its cause"
  end
  local event = events:sample(arguments.type)
  if not event then
    warn_of_unknown(arguments.type)
    event = { type = arguments.type }
  end
  event.emittedAt = nil -- the sender's default: now
  for _, text in ipairs(arguments.set) do
    local name, value = text:match("^([^=]+)=(.*)$")
    if not name then return nil, ("--set must have the form name=value, got '%s'"):format(text) end
    warn_of_field(arguments.type, name)
    event[name] = value
  end
  return event
end

-- Lets a local api.video send the event.
local function send_through(arguments, out, raw)
  local response, err = http.request {
    method = "POST", url = arguments.through:gsub("/+$", "") .. "/emulator/events",
    headers = { "Content-Type: application/json" }, username = arguments.api_key or DEFAULTS.api_key, body = raw,
  }
  if not response then return 1, err end
  local body = json.decode(response.body)
  if response.status ~= 202 or type(body) ~= "table" then
    return 1, ("%s responded with status %d: %s"):format(arguments.through, response.status,
      type(body) == "table" and body.title or "check that it is the URL of apivideo emulate")
  end
  local line = ("The local api.video sends the event to %d %s."):format(body.deliveries,
    body.deliveries == 1 and "webhook" or "webhooks")
  if body.deliveries == 0 then
    line = ("%s None subscribes to %s: create one with client.webhooks:sync."):format(line, arguments.type)
  end
  out:print({ deliveries = body.deliveries }, line)
  return 0
end

-- Sends the event from here.
local function send_to(arguments, out, raw)
  local delivery = sender.new { url = arguments.to, raw = raw, webhookId = arguments.webhook_id or DEFAULTS.webhook_id }
  sender.send(delivery, arguments.secret, {
    max_attempts = arguments.max_attempts or DEFAULTS.max_attempts, interval = arguments.interval or DEFAULTS.interval,
    timeout = sender.policy.timeout,
  }, function(attempt)
    local is_delivered = delivery.state == "delivered"
    out:print(output.attempt_record(delivery, attempt), ("%s attempt %d: %s"):format(
      out:paint(is_delivered and "green" or "red", is_delivered and "delivered" or "failed"),
      #delivery.attempts, output.describe_attempt(attempt)))
  end)
  return delivery.state == "delivered" and 0 or 1
end

-- What is wrong with the mode, --to or --through, and its options; otherwise nil.
local function mode_problem(arguments)
  if (arguments.to == nil) == (arguments.through == nil) then
    return "exactly one of --to and --through is required"
  elseif arguments.to then
    if arguments.api_key then return "--api-key needs --through; with --to, sign with --secret" end
    return numbers.interval_problem(arguments.interval, arguments.max_attempts or DEFAULTS.max_attempts)
  end
  for _, entry in ipairs(ONLY_TO) do
    local name, remedy = entry[1], entry[2]
    if arguments[name] then
      return ("--%s needs --to; with --through, %s"):format((name:gsub("_", "-")), remedy)
    end
  end
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function trigger.run(arguments, out)
  local problem = mode_problem(arguments)
  if problem then return 2, problem end
  local event
  event, problem = event_of(arguments)
  if not event then return 2, problem end
  local raw = outgoing.encode(event, events)
  return (arguments.to and send_to or send_through)(arguments, out, raw)
end

return trigger
