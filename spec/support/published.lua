--- The delivery that api.video has published as an example, with its signature.

local apivideo = require "apivideo"

local published = { SECRET = "sig_sec_0000000000000000000000", ID = "webhook_0000000000000000000000" }

published.RAW = '{"type":"video.encoding.quality.completed","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi0000000000000000000000","liveStreamId":"li0000000000000000000000",'
  .. '"encoding":"hls","quality":"720p"}'
published.HEX = "27a77d3a7fc626854886b5dbfae4e32c8b0170c1ea1b714c91ba77f1e7774e8c"

--- A request for receiver:receive, with other fields.
function published.request(more)
  local request = {
    method = "POST", body = published.RAW,
    headers = { ["X-Api-Video-WebhookID"] = published.ID, ["X-Api-Video-Signature"] = published.HEX },
  }
  for name, value in pairs(more or {}) do request[name] = value end
  return request
end

--- A receiver whose `on_outcome` appends to `outcomes`.
---@param handlers apivideo.Handlers
---@param outcomes apivideo.Outcome[]
---@param more? table other options; default: the published secret
function published.receiver(handlers, outcomes, more)
  local options = { handlers = handlers, on_outcome = function(outcome) outcomes[#outcomes + 1] = outcome end }
  for name, value in pairs(more or { secrets = published.SECRET }) do options[name] = value end
  return apivideo.receiver(options)
end

return published
