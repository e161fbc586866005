--- `apivideo trigger`: one signed delivery.

local credential = require "apivideo.cli.credential"
local events = require "apivideo.events"
local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local numbers = require "apivideo.cli.numbers"
local options = require "apivideo.util.options"
local output = require "apivideo.cli.output"
local sender = require "apivideo.emulator.sender"

local trigger = {}

function trigger.define(sub)
  sub:summary "Send one signed delivery."
  sub:description("Sends one event to --to, signed with --secret, as api.video would; or, with"
    .. " --through, has a local api.video (apivideo emulate) send it to its webhooks.\n\nTypes: "
    .. table.concat(events:names(), ", "))
  sub:argument("type", "The event's type.")
  sub:option("--to", "The url that receives it.")
  sub:option("--secret", "The signatureSecret to sign with; without it, it is not signed.")
    :convert(credential "--secret")
  sub:option("--webhook-id", "The id of the webhook that it says it comes from.")
    :default "webhook_0000000000000000000000"
  sub:option("--set", "A field of the event, as name=value; several may be given."):count "*"
  sub:option("--attempts", "Attempts in all; api.video makes 3 or 4."):default "1":convert(numbers.whole(1, 100))
  sub:option("--interval", "Seconds between two attempts."):default "3":convert(numbers.seconds)
  sub:option("--through", "The url of a local api.video that sends it, instead of --to.")
  sub:option("--api-key", "The key of that local api.video."):default "local-key":convert(credential "--api-key")
end

-- Warns of a type that is mistyped, or newer than this version.
local function warn_of_unknown(name)
  local near = options.nearest(name, events:names())
  output.warn(("unknown event type %s, which is sent as it is; %s"):format(name,
    near and "did you mean " .. near .. "?" or "see: apivideo trigger --help"))
end

-- The event to send; nil and a message when it cannot be made.
local function event_of(given)
  local event = events:sample(given.type)
  if not event then
    warn_of_unknown(given.type)
    event = { type = given.type }
  end
  event.emittedAt = nil -- now
  for _, text in ipairs(given.set) do
    local name, value = text:match("^([^=]+)=(.*)$")
    if not name then return nil, "--set takes name=value, got " .. text end
    event[name] = value
  end
  return event
end

-- Hands the event to a local api.video.
local function pass_through(given, out, raw)
  local response, err = http.request {
    method = "POST", url = given.through:gsub("/+$", "") .. "/emulator/events",
    headers = { "Content-Type: application/json" }, username = given.api_key, body = raw,
  }
  if not response then return 1, err end
  local answer = json.decode(response.body)
  if response.status ~= 202 or type(answer) ~= "table" then
    return 1, ("the local api.video answered %d: %s"):format(response.status,
      type(answer) == "table" and answer.title or "is it one?")
  end
  out.print({ deliveries = answer.deliveries },
    ("The local api.video delivers it to %d webhooks."):format(answer.deliveries))
  return 0
end

function trigger.run(given)
  if (given.to == nil) == (given.through == nil) then
    return 2, "one of --to and --through is required"
  elseif given.secret and given.through then
    return 2, "--secret goes with --to; with --through, the local api.video signs with its webhooks' own secrets"
  end
  local event, problem = event_of(given)
  if not event then return 2, problem end
  local out, raw = output.new(given.json), sender.encode(event, events)
  if given.through then return pass_through(given, out, raw) end
  local delivery = sender.new { url = given.to, raw = raw, webhookId = given.webhook_id }
  sender.send(delivery, given.secret,
    { attempts = given.attempts, interval = given.interval, timeout = sender.policy.timeout },
    function(attempt)
      local good = delivery.state == "delivered"
      out.print(output.attempt_record(delivery, attempt), ("%s attempt %d: %s"):format(
        out.paint(good and "green" or "red", good and "delivered" or "refused"),
        #delivery.attempts, output.describe_attempt(attempt)))
    end)
  return delivery.state == "delivered" and 0 or 1
end

return trigger
