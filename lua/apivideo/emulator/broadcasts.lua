--- Broadcasts of live streams, which tests start and end. https://docs.api.video/reference/api/Live-Streams

local encoding = require "apivideo.emulator.encoding"
local json = require "apivideo.util.json"
local videos = require "apivideo.emulator.videos"

local broadcasts = {}

-- The live stream with an id. Nil and a message if it does not exist, or does not have the wanted state.
local function find(self, id, is_broadcasting)
  local stream = self.live_streams:find(id)
  if not stream then
    return nil, ("no live stream has the id \"%s\"; add it with put_live_stream, or with POST /live-streams"):format(id)
  elseif stream.broadcasting and not is_broadcasting then
    return nil, ("live stream \"%s\" is already broadcasting; call end_broadcast before"):format(id)
  elseif is_broadcasting and not stream.broadcasting then
    return nil, ("live stream \"%s\" is not broadcasting; call start_broadcast before"):format(id)
  end
  return stream
end

--- Starts a broadcast: `live-stream.broadcast.started`.
---@param self apivideo.Emulator
---@param id string
---@return table? live_stream
---@return string? message why it cannot be started
function broadcasts.start(self, id)
  local stream, problem = find(self, id, false)
  if not stream then return nil, problem end
  stream.broadcasting = true
  self:emit { type = "live-stream.broadcast.started", liveStreamId = id }
  return stream
end

-- The video that a broadcast was recorded to.
local function recording_of(stream, url)
  local video = videos.complete({ title = stream.name }, url)
  video.source = {
    uri = "/videos/" .. video.videoId .. "/source", type = "liveStream",
    liveStream = {
      liveStreamId = stream.liveStreamId,
      links = json.array { { rel = "self", uri = "/live-streams/" .. stream.liveStreamId } },
    },
  }
  return video
end

--- Ends a broadcast: `live-stream.broadcast.ended`, then `video.source.recorded`, then the encoding of the recording.
---@param self apivideo.Emulator
---@param id string
---@return table? video the recording
---@return string? message why it cannot be ended
function broadcasts.finish(self, id)
  local stream, problem = find(self, id, true)
  if not stream then return nil, problem end
  stream.broadcasting = false
  self:emit { type = "live-stream.broadcast.ended", liveStreamId = id }
  local video = recording_of(stream, self.url)
  self.videos:put(video)
  encoding.start(self, video, encoding.ingesting(), function()
    self:emit { type = "video.source.recorded", liveStreamId = id, videoId = video.videoId }
  end)
  return video
end

return broadcasts
