--- A receiver accepts a delivery, and rejects another.

local apivideo = require "apivideo"

-- `require` does not report that memory is exhausted as such, so both modules are loaded before.
local new_handlers, new_receiver = apivideo.handlers, apivideo.receiver

local raw = '{"type":"video.source.recorded","emittedAt":"2024-01-01T00:00:00Z","videoId":"vi1","liveStreamId":"li1"}'
local right = apivideo.sign(raw, "secret")

local function deliver(receiver, hex)
  return (receiver:receive { method = "POST", body = raw, headers = {
    ["X-Api-Video-WebhookId"] = "webhook_1", ["X-Api-Video-Signature"] = hex,
  } })
end

apivideo.log { write = function() end }

return function()
  local seen = 0
  local receiver = new_receiver {
    handlers = new_handlers():on("video.*", function() seen = seen + 1 end),
    secrets = { webhook_1 = "secret" },
  }
  local status = deliver(receiver, right)
  if status ~= 204 or seen ~= 1 then return nil, "status " .. status end
  status = deliver(receiver, ("0"):rep(64))
  if status ~= 401 then return nil, "status " .. status end
  return true
end
