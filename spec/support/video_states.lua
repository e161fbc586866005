-- Videos in specs of ready videos: a client that counts its calls, events and statuses.

local errors = require "apivideo.error"

local video_states = {}

--- A client that counts its calls. `statuses` and `videos` are by id; for another id, the result is `err`.
function video_states.new_client()
  local self = { statuses = {}, found = {}, calls = {}, err = errors.new("not_found", "no such video") }
  local function call(name, results)
    return function(_, id)
      self.calls[#self.calls + 1] = name .. " " .. id
      if self.pause then self.pause() end
      if results[id] then return results[id] end
      return nil, self.err
    end
  end
  self.videos = { get = call("get", self.found), status = call("status", self.statuses) }
  return self
end

--- An event of a quality, with these fields.
function video_states.quality(fields)
  local event = { type = "video.encoding.quality.completed", emittedAt = "2024-01-01T00:00:00Z", videoId = "vi1",
    encoding = "hls", quality = "720p" }
  for name, value in pairs(fields or {}) do event[name] = value end
  return event
end

--- A status, from texts such as "hls 720p encoded".
function video_states.status_of(...)
  local qualities, is_playable = {}, false
  for i, text in ipairs { ... } do
    local encoding, name, status = text:match "(%S+) (%S+) (%S+)"
    qualities[i] = { type = encoding, quality = name, status = status }
    is_playable = is_playable or status == "encoded"
  end
  return { ingest = { status = "ingested" }, encoding = { playable = is_playable, qualities = qualities } }
end

return video_states
