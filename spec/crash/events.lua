--- The events that are sent: with all kinds of identity, some in lanes. Each has a unique name, which is independent of
--- its key.

local cjson = require "cjson"

local events = {}

local LANES = 8

local function random_time()
  return ("2026-01-%02dT%02d:00:%02d.%06dZ"):format(math.random(28), math.random(0, 23), math.random(0, 59),
    math.random(0, 999999))
end

-- Each creates a function that returns the bytes of one attempt.
local kinds = {
  quality = function(name)
    return function()
      return cjson.encode { type = "video.encoding.quality.completed", emittedAt = random_time(), videoId = name,
        encoding = "hls", quality = "720p" }
    end
  end,

  -- The sender may put a new time into its retries.
  broadcast = function(name, restamps)
    local time = random_time()
    return function()
      if restamps then time = random_time() end
      return cjson.encode { type = "live-stream.broadcast.started", emittedAt = time, liveStreamId = name }
    end
  end,

  -- The bytes are the identity of an unknown type.
  unknown = function(name)
    local raw = cjson.encode { type = "video.of.tomorrow", emittedAt = random_time(), videoId = name }
    return function() return raw end
  end,
}

local order = { "quality", "quality", "quality", "broadcast", "unknown" }

--- An event: its name, and a function that returns its bytes.
---@param number integer
---@param restamps boolean
---@return string name
---@return fun(): string
function events.new(number, restamps)
  local kind = order[math.random(#order)]
  local lane = math.random(3) == 1 and ("lane%d"):format(math.random(LANES)) or "free"
  local name = ("%s-%d"):format(lane, number)
  return name, kinds[kind](name, restamps)
end

function events.name_of(event)
  return event.videoId or event.liveStreamId
end

--- The option `lane` of the inbox.
function events.lane_of(event)
  return events.name_of(event):match "^lane%d+"
end

return events
