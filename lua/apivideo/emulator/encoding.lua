--- The encoding of a video: its statuses and events, one quality after the other. The bytes of its source do not matter.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local checks = require "apivideo.util.checks"
local json = require "apivideo.util.json"
local qualities = require "apivideo.emulator.qualities"

---@class apivideo.EncodingOptions
---@field quality? string of the sources: 240p, 360p, 480p, 720p, 1080p or 2160p, default "720p"
---@field interval? number seconds for each quality, default 0.1
---@field failed? string[] the qualities that fail, such as "hls 360p", "mp4" or "1080p"; default: none

local KNOWN_OPTIONS = { quality = "string?", interval = "seconds>=0<=86400?", failed = "table?" }

local encoding = {}

-- What is wrong with the options, beyond their types; or nil.
local function problem_of(options)
  local problem = options.quality and qualities.problem(options.quality)
  if problem then return 'option "quality" ' .. problem end
  local is_valid = not options.failed or checks.is_list(options.failed, "string")
  for _, entry in ipairs(is_valid and options.failed or {}) do
    is_valid = is_valid and qualities.is_valid_selection(entry)
  end
  if not is_valid then return 'option "failed" must be a list such as { "hls 360p", "mp4", "1080p" }' end
end

--- Checks options, and fills in the defaults. Raises at the level of the caller's caller if they are invalid.
---@param options apivideo.EncodingOptions
---@return apivideo.EncodingOptions
function encoding.settings(options)
  checks.options("emulator:set_encoding", options, KNOWN_OPTIONS, 4)
  local problem = problem_of(options)
  if problem then error("emulator:set_encoding: " .. problem, 3) end
  return { quality = options.quality or "720p", interval = options.interval or 0.1, failed = options.failed or {} }
end

-- The qualities of the status of a video.
local function qualities_of(video, source_quality)
  local list = json.array(qualities.of(source_quality, video.mp4Support ~= false))
  for _, quality in ipairs(list) do quality.status = "waiting" end
  return list
end

local function unknown_metadata()
  local metadata = {}
  for _, name in ipairs { "width", "height", "bitrate", "duration", "framerate", "samplerate", "videoCodec",
    "audioCodec", "aspectRatio" } do
    metadata[name] = json.null
  end
  return metadata
end

local function known_metadata(quality)
  local width, height = qualities.size(quality)
  return { width = width, height = height, bitrate = 411.218, duration = 60, framerate = 24, samplerate = 48000,
    videoCodec = "h264", audioCodec = "aac", aspectRatio = "16/9" }
end

--- The status of a video without a source.
---@return table
function encoding.status_without_source()
  return {
    ingest = { status = "uploading", filesize = json.null, receivedBytes = json.array {} },
    encoding = { playable = false, qualities = json.array {}, metadata = unknown_metadata() },
  }
end

-- Waits for the interval. False if the encoding ends: the video was replaced, or the emulator was reset or stopped.
local function wait(self, video, settings)
  local _, reason = self._was_reset:wait(settings.interval, self._stopped)
  return reason == "timeout" and self.videos:find(video.videoId) == video
end

local function live_stream_of(video)
  local stream = video.source.liveStream
  return stream and stream.liveStreamId
end

-- Encodes all qualities. A video is playable as soon as one is encoded; a quality that fails has no event.
local function encode(self, video, settings)
  local state = video.status.encoding
  state.metadata = known_metadata(settings.quality)
  for _, quality in ipairs(state.qualities) do
    quality.status = "encoding"
    if not wait(self, video, settings) then return end
    if qualities.is_selected(settings.failed, quality) then
      quality.status = "failed"
    else
      quality.status, state.playable = "encoded", true
      self:emit { type = "video.encoding.quality.completed", videoId = video.videoId,
        liveStreamId = live_stream_of(video), encoding = quality.type, quality = quality.quality }
    end
  end
end

--- Starts to encode a video of the emulator that has its source, and returns at once.
---@param self apivideo.Emulator
---@param video table its status is replaced
---@param ingest table `ingest` of its status; `ingesting` becomes `ingested` after an interval
---@param on_ingested? fun() called after that
function encoding.start(self, video, ingest, on_ingested)
  local settings = self._encoding
  video.status = {
    ingest = ingest,
    encoding = { playable = false, qualities = qualities_of(video, settings.quality), metadata = unknown_metadata() },
  }
  self:_spawn("an encoding", function()
    if ingest.status == "ingesting" then
      if not wait(self, video, settings) then return end
      ingest.status = "ingested"
      if on_ingested then on_ingested() end
    end
    encode(self, video, settings)
  end)
end

--- `ingest` of the status of a video that api.video requests itself, or records.
---@return table
function encoding.ingesting()
  return { status = "ingesting", filesize = json.null, receivedBytes = json.array {} }
end

return encoding
