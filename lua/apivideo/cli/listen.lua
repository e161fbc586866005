--- `apivideo listen`: a receiver that prints each delivery.

local apivideo = require "apivideo"
local credential = require "apivideo.cli.credential"
local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local server = require "apivideo.server"

local listen = {}

function listen.define(sub)
  sub:summary "Receive deliveries and print each: verdict, event, answer, time."
  sub:description("Receives deliveries and prints each. Their signatures are checked with --secret,"
    .. " with the secrets of the account behind --api-key (or APIVIDEO_API_KEY), or, with --unsigned,"
    .. " not at all.")
  sub:option("--port", "The port; 0 takes any free one."):default "8080":convert(numbers.port)
  sub:option("--host", "The address to listen on."):default "127.0.0.1"
  sub:mutex(
    sub:option("--secret", "A webhook's signatureSecret; several may be given."):count "*"
      :convert(credential "--secret"),
    sub:option("--api-key", "Ask api.video for the secrets, with this key."):convert(credential "--api-key"),
    sub:flag("--unsigned", "Accept deliveries that nobody signed."))
  sub:option("--environment", "production or sandbox.")
    :choices { "production", "sandbox" }:default "production"
  sub:option("--base-url", "Another api.video, such as the one of: apivideo emulate")
end

-- Where the secrets come from; nil and a message when nothing says so.
local function secrets_of(given)
  if #given.secret > 0 then return given.secret end
  local api_key = given.api_key
  if not api_key then
    local problem
    local text = os.getenv "APIVIDEO_API_KEY" or ""
    if text == "" then return nil, "no secret to check signatures with: give --secret, --api-key or --unsigned" end
    api_key, problem = credential "APIVIDEO_API_KEY"(text)
    if not api_key then return nil, problem end
  end
  return apivideo.client {
    api_key = api_key, environment = given.environment, base_url = given.base_url,
  }.webhooks:secrets()
end

local function fields_of(event)
  local names, parts = {}, {}
  for name in pairs(event) do
    if name ~= "type" and name ~= "emittedAt" then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = name .. "=" .. tostring(event[name]) end
  return table.concat(parts, " ")
end

local function verdict_of(outcome)
  if outcome.err then return "refused" end
  return outcome.delivery.verified and "verified" or "unsigned"
end

local function print_outcome(out, outcome)
  local verdict, time = verdict_of(outcome), ("%.2f ms"):format(outcome.seconds * 1000)
  local record = { verdict = verdict, status = outcome.status, seconds = outcome.seconds }
  local text
  if outcome.err then
    record.kind, record.error = outcome.err.kind, outcome.err.message
    text = ("%s: %s"):format(outcome.err.kind, outcome.err.message)
  else
    record.event, record.webhookId = outcome.event, outcome.delivery.webhookId
    text = ("%s %s"):format(outcome.event.type, fields_of(outcome.event))
  end
  out.print(record, ("%s %d  %s  %s"):format(out.paint(outcome.err and "red" or "green", verdict),
    outcome.status, (text:gsub("%c", "?")), out.paint("dim", time)))
end

function listen.run(given)
  local secrets, problem
  if not given.unsigned then
    secrets, problem = secrets_of(given)
    if not secrets then return 2, problem end
  end
  local out = output.new(given.json)
  local receiver = apivideo.receiver {
    handlers = apivideo.handlers():otherwise(function() end),
    secrets = secrets, unsigned = given.unsigned,
    log = function(outcome) print_outcome(out, outcome) end,
  }
  local self, err = server.listen { host = given.host, port = given.port, receiver = receiver }
  if not self then return 1, err end
  out.print({ url = self.url }, ("Listening on %s. Ctrl-C stops it."):format(self.url))
  local ok, stop_problem = self:run()
  return ok and 0 or 1, stop_problem
end

return listen
