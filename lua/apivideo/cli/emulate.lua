--- `apivideo emulate`: runs a local api.video.

local credential = require "apivideo.cli.credential"
local emulator = require "apivideo.emulator"
local json = require "apivideo.util.json"
local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local redact = require "apivideo.util.redact"

local emulate = {}

--- The default API key.
emulate.LOCAL_KEY = "local-key"

--- Defines the subcommand.
function emulate.define(sub)
  sub:description("Runs a local api.video for development and tests. It implements /webhooks, /videos with status and"
    .. " captions, /live-streams, /summaries and /auth, with the errors, the pagination and the rate limit of"
    .. " api.video. Uploads are encoded, with their events. It starts empty. Set your client's base_url to its URL,"
    .. " create webhooks, and emit events with:"
    .. " apivideo trigger TYPE --through URL --api-key KEY")
  sub:option("--port", "The port to listen on; 0: any free port.")
    :argname "<port>":default "8100":convert(numbers.port "--port")
  sub:option("--host", "The address to listen on."):argname "<address>":default "127.0.0.1"
  sub:option("--api-key", "The API key that clients must use."):argname "<key>":default(emulate.LOCAL_KEY)
    :convert(credential.new "--api-key")
  sub:option("--max-attempts", "Attempts for each delivery at most; api.video documents 3 or 4."):argname "<count>"
    :default "3":convert(numbers.max_attempts "--max-attempts")
  sub:option("--interval", "The time between two attempts, in seconds. Default: 3."):argname "<seconds>"
    :convert(numbers.seconds "--interval")
  sub:option("--timeout", "The time limit of an attempt, in seconds. Default: 10."):argname "<seconds>"
    :convert(numbers.attempt_timeout "--timeout")
end

-- The event in a body; nil unless it is a JSON object with a type.
local function event_of(raw)
  local event = json.decode(raw)
  return type(event) == "table" and type(event.type) == "string" and event or nil
end

-- Prints an attempt of a delivery.
local function print_attempt(out, delivery, attempt)
  local record, event = output.attempt_record(delivery, attempt), event_of(delivery.raw)
  record.event = event
  out:print(record, ("%s %s  attempt %d: %s  %s"):format(
    out:paint(delivery.state == "delivered" and "green" or "red", delivery.state), redact.text(delivery.url),
    #delivery.attempts, output.describe_attempt(attempt),
    out:paint("dim", event and output.describe_event(event) or #delivery.raw .. " bytes")))
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function emulate.run(arguments, out)
  local problem = numbers.interval_problem(arguments.interval, arguments.max_attempts)
  if problem then return 2, problem end
  local self, err = emulator.start {
    host = arguments.host, port = arguments.port, api_key = arguments.api_key,
    max_attempts = arguments.max_attempts, interval = arguments.interval, timeout = arguments.timeout,
    on_attempt = function(delivery, attempt) print_attempt(out, delivery, attempt) end,
  }
  if not self then return 1, err end
  -- Do not print any other key: it may be a real one.
  local api_key = arguments.api_key == emulate.LOCAL_KEY and emulate.LOCAL_KEY or nil
  out:print({ url = self.url, api_key = api_key },
    ("A local api.video listens on %s; its API key is %s. Press Ctrl-C to stop it."):format(
      self.url, api_key or "the value of --api-key"))
  local ok, stop_problem = self.server:run()
  return ok and 0 or 1, stop_problem
end

return emulate
