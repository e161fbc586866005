--- The events that the final state of the local api.video implies: how many effects of each name there must be.

local names = require "spec.missed.names"
local terms = require "spec.missed.terms"

local function stream_of(video)
  return video.source.liveStream and video.source.liveStream.liveStreamId
end

-- Calls `add` for the events of one quality. Returns whether it is encoded.
local function add_quality(add, video, quality)
  local event = { videoId = video.videoId, encoding = quality.type, quality = quality.quality }
  if quality.status == "failed" then
    event.type = "apivideo.video.failed"
    add(event)
    return false
  end
  assert(quality.status == "encoded", "an encoding has not ended")
  event.type, event.liveStreamId = "video.encoding.quality.completed", stream_of(video)
  add(event)
  return true
end

-- The conditions of on_ready that a video meets.
local function conditions_of(video)
  local met = { all = true }
  for _, quality in ipairs(video.status.encoding.qualities) do
    if quality.status == "encoded" then
      met.playable = true
      met[quality.type == "mp4" and "mp4" or quality.quality] = true
    end
  end
  return met
end

local function add_video(add, video)
  local id, stream, is_playable = video.videoId, stream_of(video), false
  for _, quality in ipairs(video.status.encoding.qualities) do
    is_playable = add_quality(add, video, quality) or is_playable
  end
  local met = conditions_of(video)
  for _, condition in ipairs(terms.CONDITIONS) do
    if met[condition] then add { type = "apivideo.video.ready", videoId = id, condition = condition } end
  end
  if stream then add { type = "video.source.recorded", videoId = id, liveStreamId = stream } end
  if stream and is_playable then add { type = "apivideo.recording.ready", videoId = id, liveStreamId = stream } end
end

local SUMMARIES = { completed = "video.summary.generated", failed = "apivideo.summary.failed",
  unprocessable = "apivideo.summary.failed" }

--- How many effects of each name there must be.
---@param emulator apivideo.Emulator no encoding is in progress
---@param broadcasts table<string, integer> how often each live stream was broadcast
---@return table<string, integer>
return function(emulator, broadcasts)
  local counts = {}
  local function add(event, count)
    counts[names.of(event)] = (counts[names.of(event)] or 0) + (count or 1)
  end
  for _, video in ipairs(emulator.videos.items) do add_video(add, video) end
  for _, summary in ipairs(emulator.summaries.items) do
    add { type = SUMMARIES[summary.sourceStatus], videoId = summary.videoId, summaryId = summary.summaryId }
  end
  for id, count in pairs(broadcasts) do
    add({ type = "live-stream.broadcast.started", liveStreamId = id }, count)
    add({ type = "live-stream.broadcast.ended", liveStreamId = id }, count)
  end
  return counts
end
