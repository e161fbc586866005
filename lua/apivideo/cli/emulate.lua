--- `apivideo emulate`: a local api.video.

local credential = require "apivideo.cli.credential"
local emulator = require "apivideo.emulator"
local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local redact = require "apivideo.util.redact"

local LOCAL_KEY = "local-key"

local emulate = {}

function emulate.define(sub)
  sub:summary "Run a local api.video: its API, and signed deliveries."
  sub:description("Runs a local api.video on loopback, as far as webhooks and the reading of state go: /webhooks,"
    .. " /videos with status and captions, /live-streams and /summaries, all empty; /auth; api.video's errors, pages"
    .. " and rate limit. Point a client's base_url at it, create webhooks, and make events happen with:"
    .. " apivideo trigger TYPE --through URL --api-key KEY")
  sub:option("--port", "The port; 0 takes any free one."):default "8100":convert(numbers.port)
  sub:option("--host", "The address to listen on."):default "127.0.0.1"
  sub:option("--api-key", "The key that is let in."):default(LOCAL_KEY):convert(credential "--api-key")
  sub:option("--attempts", "Attempts for each delivery in all: 3 or 4, as one reads the guide.")
    :default "3":convert(numbers.whole(1, 100))
  sub:option("--interval", "Seconds between two attempts."):default "3":convert(numbers.seconds)
end

function emulate.run(given)
  local out = output.new(given.json)
  local self, err = emulator.start {
    host = given.host, port = given.port, api_key = given.api_key,
    attempts = given.attempts, interval = given.interval,
    on_attempt = function(delivery, attempt)
      local good = delivery.state == "delivered"
      out.print(output.attempt_record(delivery, attempt), ("%s %s  attempt %d: %s"):format(
        out.paint(good and "green" or "red", good and "delivered" or delivery.state),
        redact.text(delivery.url), #delivery.attempts, output.describe_attempt(attempt)))
    end,
  }
  if not self then return 1, err end
  -- Another key may be a real one.
  local shown = given.api_key == LOCAL_KEY and LOCAL_KEY or nil
  out.print({ url = self.url, api_key = shown },
    ("A local api.video listens on %s with the key %s. Ctrl-C stops it."):format(
      self.url, shown or "of --api-key"))
  local ok, problem = self.server:run()
  return ok and 0 or 1, problem
end

return emulate
