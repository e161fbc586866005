--- The encoding of a video: its statuses and events, one quality after the other. The bytes of its source do not matter.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local checks = require "apivideo.util.checks"
local json = require "apivideo.util.json"

local QUALITIES = require("apivideo.util.conditions").QUALITIES
local SIZES = { -- width and height
  ["240p"] = { 426, 240 }, ["360p"] = { 640, 360 }, ["480p"] = { 854, 480 }, ["720p"] = { 1280, 720 },
  ["1080p"] = { 1920, 1080 }, ["2160p"] = { 3840, 2160 },
}

---@class apivideo.EncodingOptions
---@field quality? string of the sources: 240p, 360p, 480p, 720p, 1080p or 2160p, default "720p"
---@field interval? number seconds for each quality, default 0.1
---@field failed? string[] the qualities that fail, such as "hls 360p", "mp4" or "1080p"; default: none

local KNOWN_OPTIONS = { quality = "string?", interval = "seconds>=0<=86400?", failed = "table?" }

local encoding = {}

-- Whether each word of an entry of `failed` is an encoding or a quality.
local function is_valid_entry(entry)
  local count = 0
  for word in entry:gmatch "%S+" do
    count = count + 1
    if not SIZES[word] and word ~= "hls" and word ~= "mp4" then return false end
  end
  return count > 0
end

-- What is wrong with the options, beyond their types; or nil.
local function problem_of(options)
  if options.quality and not SIZES[options.quality] then
    return ('option "quality" must be one of %s, got "%s"'):format(table.concat(QUALITIES, ", "), options.quality)
  end
  local is_valid = not options.failed or checks.is_list(options.failed, "string")
  for _, entry in ipairs(is_valid and options.failed or {}) do is_valid = is_valid and is_valid_entry(entry) end
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

-- HLS in each quality from the lowest to the source's, and MP4 in the source's, if the video has MP4.
local function qualities_of(video, source_quality)
  local list = json.array {}
  for _, quality in ipairs(QUALITIES) do
    list[#list + 1] = { type = "hls", quality = quality, status = "waiting" }
    if quality == source_quality then break end
  end
  if video.mp4Support ~= false then
    list[#list + 1] = { type = "mp4", quality = source_quality, status = "waiting" }
  end
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
  local width, height = SIZES[quality][1], SIZES[quality][2]
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

local function is_failed(failed, quality)
  for _, entry in ipairs(failed) do
    local matches = true
    for word in entry:gmatch "%S+" do matches = matches and (word == quality.type or word == quality.quality) end
    if matches then return true end
  end
  return false
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
    if is_failed(settings.failed, quality) then
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
