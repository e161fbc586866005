--- A standalone server receives deliveries from a task of the same process.

local apivideo = require "apivideo"
local http = require "apivideo.transport.http"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"

local raw = '{"type":"video.source.recorded","emittedAt":"2024-01-01T00:00:00Z","videoId":"vi1","liveStreamId":"li1"}'
local right = apivideo.sign(raw, "secret")

apivideo.log { write = function() end }

-- `require` does not report that memory is exhausted as such, so everything is loaded before.
local new_handlers, new_receiver = apivideo.handlers, apivideo.receiver
assert(require("apivideo.core").http)

local function deliver(url)
  return http.request {
    method = "POST", url = url, body = raw, timeout = 0.5,
    headers = { "X-Api-Video-WebhookId: webhook_1", "X-Api-Video-Signature: " .. right },
  }
end

local listening

-- Receives two deliveries. Returns true, or nil and an error.
local function receive()
  local seen = 0
  local receiver = new_receiver {
    handlers = new_handlers():on("video.*", function() seen = seen + 1 end),
    secrets = { webhook_1 = "secret" },
  }
  local err
  listening, err = server.listen { receiver = receiver }
  if not listening then return nil, err end
  for _ = 1, 2 do
    local response, problem = deliver(listening.url)
    if not response then return nil, problem end
    if response.status ~= 204 then return nil, "status " .. response.status end
  end
  return seen == 2
end

return function()
  local ok, result, err = pcall(receive)
  if listening then listening:stop(0) end
  listening = nil
  runtime.release()
  if not ok then error(result, 0) end
  return result, err
end
