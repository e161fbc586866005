--- The video of a delivery's event, for its handlers: `delivery.video`. What one of them has read, the others share.

local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

---@class apivideo.DeliveredVideo
---@field private _client apivideo.Client
---@field private _id string
---@field private _results table<string, apivideo.Latch> by the name of the call
local DeliveredVideo = {}
DeliveredVideo.__index = DeliveredVideo
DeliveredVideo.__name = "apivideo.DeliveredVideo"

DeliveredVideo.__tostring = function(self) return "apivideo.delivered_video " .. self._id end

-- Makes a call, unless it was made, or another task makes it: then its result. A failure that may pass is not kept.
local function read(self, name)
  local result = self._results[name]
  if not result then
    result = runtime.latch()
    self._results[name] = result
    local videos = self._client.videos
    local ok, value, err = protected.call(videos[name], videos, self._id)
    if not ok then value, err = nil, value end
    -- The next call may succeed: a handler that waits and calls again must not get an old error.
    if errors.is(err) and err.retryable then self._results[name] = nil end
    result:open(value, err)
  end
  return result:wait()
end

--- Reads the video, at most once for the delivery unless it fails.
---@return apivideo.Video|nil video
---@return apivideo.Error? err of `videos:get`
function DeliveredVideo:get()
  checks.self(self, DeliveredVideo, "video", "get")
  local video, err = read(self, "get")
  return video, err
end

--- Reads the status of the video, at most once for the delivery unless it fails.
---@return apivideo.VideoStatus|nil status
---@return apivideo.Error? err of `videos:status`
function DeliveredVideo:status()
  checks.self(self, DeliveredVideo, "video", "status")
  local status, err = read(self, "status")
  return status, err
end

local delivered_video = {}

---@param client apivideo.Client
---@param id string
---@return apivideo.DeliveredVideo
function delivered_video.new(client, id)
  return setmetatable({ _client = client, _id = id, _results = {} }, DeliveredVideo)
end

return delivered_video
