--- The events that the state of videos and summaries implies.

local ascii = require "apivideo.util.ascii"

local found = {}

local ENDED = { encoded = true, failed = true }
local RECORDED = { ingested = true, uploaded = true }
local BEGUN = { encoding = true, encoded = true, failed = true } -- api.video may add statuses before these
local FAILED_SUMMARIES = { failed = true, unprocessable = true }

local function table_of(value)
  return type(value) == "table" and value or {}
end

-- The event of a quality that is encoded or failed; nil for others. api.video's prose has HLS, its JSON hls.
local function event_of(id, stream, quality)
  local encoding, name = quality.type, quality.quality
  if type(encoding) ~= "string" or type(name) ~= "string" then return nil end
  local event = { videoId = id, encoding = ascii.lower(encoding), quality = name }
  if quality.status == "encoded" then
    event.type, event.liveStreamId = "video.encoding.quality.completed", stream
    return event
  elseif quality.status == "failed" then
    event.type = "apivideo.video.failed"
    return event
  end
end

-- Whether a recording has its source: it is ingested, or its encoding has begun.
local function is_recorded(status, qualities)
  local has_begun = RECORDED[table_of(status.ingest).status] or false
  for _, quality in ipairs(qualities) do has_begun = has_begun or BEGUN[table_of(quality).status] or false end
  return has_begun
end

--- The events of a video.
---@param id string its videoId
---@param stream? string the liveStreamId of a recording
---@param status apivideo.VideoStatus
---@return apivideo.Event[] events without `emittedAt`
---@return boolean is_complete no other event will follow
function found.of_video(id, stream, status)
  local events, qualities = {}, table_of(table_of(status.encoding).qualities)
  local is_complete = #qualities > 0
  if stream and is_recorded(status, qualities) then
    events[1] = { type = "video.source.recorded", videoId = id, liveStreamId = stream }
  end
  for _, quality in ipairs(qualities) do
    quality = table_of(quality)
    is_complete = is_complete and ENDED[quality.status] or false
    events[#events + 1] = event_of(id, stream, quality)
  end
  return events, is_complete
end

--- The events of the captions of a video. They have no captionId, so they are derived events.
---@param id string its videoId
---@param captions apivideo.Caption[]
---@return apivideo.Event[] events without `emittedAt`
function found.of_captions(id, captions)
  local events = {}
  for _, caption in ipairs(captions) do
    if type(caption.srclang) == "string" then
      events[#events + 1] = { type = "apivideo.caption.available", videoId = id, language = caption.srclang }
    end
  end
  return events
end

--- The event of a summary; nil while it is being made.
---@param summary apivideo.Summary
---@return apivideo.Event? event without `emittedAt`
function found.of_summary(summary)
  local event = { videoId = summary.videoId, summaryId = summary.summaryId }
  if type(event.videoId) ~= "string" or type(event.summaryId) ~= "string" then return nil end
  if summary.sourceStatus == "completed" then
    event.type = "video.summary.generated"
  elseif FAILED_SUMMARIES[summary.sourceStatus] then
    event.type = "apivideo.summary.failed"
  end
  return event.type and event
end

return found
