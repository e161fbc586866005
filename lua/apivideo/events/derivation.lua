--- Which derived events follow from an event, for the functions of `handlers:on_ready` and `handlers:on_recording`.

local conditions = require "apivideo.util.conditions"
local delivered_video = require "apivideo.events.delivered_video"
local recent = require "apivideo.events.recent"
local tables = require "apivideo.util.tables"

local word = conditions.word

local QUALITY, RECORDED = "video.encoding.quality.completed", "video.source.recorded"
local FAILED = "apivideo.video.failed" -- may be the end of the last quality
local CAPTION, AVAILABLE = "video.caption.generated", "apivideo.caption.available"
local READY, RECORDING = "apivideo.video.ready", "apivideo.recording.ready"

local MAX_STREAMS = 5000 -- videos of which the live stream is remembered
local ID_MAX_BYTES = 200 -- of a live stream that is remembered: the sender of an event chooses the length

---@class apivideo.events.Derivation
---@field causes table<string, true> the types that need `events_of`
---@field private _conditions string[] of `on_ready`
---@field private _needs_status boolean whether one of them cannot be decided by an event
---@field private _has_recordings boolean
---@field private _streams apivideo.events.Recent videoId -> the live stream of which it is a recording, or false
local Derivation = {}
Derivation.__index = Derivation
Derivation.__name = "apivideo.events.Derivation"

--- Derives `apivideo.video.ready` with a condition.
---@param condition string
function Derivation:add_condition(condition)
  self.causes[QUALITY] = true
  if condition == "all" then self._needs_status, self.causes[FAILED] = true, true end
  for _, known in ipairs(self._conditions) do
    if known == condition then return end
  end
  table.insert(self._conditions, condition)
end

--- Derives `apivideo.recording.ready`.
function Derivation:add_recordings()
  self.causes[QUALITY], self.causes[RECORDED], self._has_recordings = true, true, true
end

--- Derives `apivideo.caption.available`.
function Derivation:add_captions()
  self.causes[CAPTION] = true
end

-- What was read; or nil and, unless the video was deleted, the error.
local function read(video, name)
  local value, err = video[name](video)
  if value or type(err) == "table" and err.kind == "not_found" then return value, nil end
  return nil, err
end

-- A status in which the quality of an event has ended: it may be older than the event.
local function updated(status, event)
  local copy = tables.copy(status)
  local qualities = type(copy.encoding) == "table" and copy.encoding.qualities
  for _, quality in ipairs(type(qualities) == "table" and qualities or {}) do
    local is_table = type(quality) == "table"
    if is_table and word(quality.type) == word(event.encoding) and word(quality.quality) == word(event.quality) then
      quality.status = event.type == FAILED and "failed" or "encoded"
    end
  end
  return copy
end

-- Whether an event alone shows that its video meets a condition.
local function is_shown(condition, event)
  if event.type == FAILED or condition == "all" then return false end
  return conditions.needs(condition, word(event.encoding), word(event.quality))
end

-- Appends an event for each condition that the video meets. True; or nil and an error.
local function add_ready(self, list, event, video)
  local status, err
  if self._needs_status then
    status, err = read(video, "status")
    if err then return nil, err end
    status = status and updated(status, event)
  end
  for _, condition in ipairs(self._conditions) do
    if is_shown(condition, event) or status and conditions.is_met(condition, status) then
      list[#list + 1] = { type = READY, emittedAt = event.emittedAt, videoId = event.videoId, condition = condition }
    end
  end
  return true
end

-- The id of the live stream of which a video is a recording; false if it was uploaded, nil if that is unknown; nil and
-- an error.
local function stream_of(self, event, video)
  local id = type(event.liveStreamId) == "string" and event.liveStreamId or self._streams:get(event.videoId)
  if id == nil and video then
    local value, err = read(video, "get")
    if err then return nil, err end
    local stream = value and type(value.source) == "table" and value.source.liveStream
    id = type(stream) == "table" and type(stream.liveStreamId) == "string" and stream.liveStreamId
  end
  if id == false or id and #id <= ID_MAX_BYTES then self._streams:set(event.videoId, id) end
  return id
end

-- Appends an event if the video is a recording that is playable. True; or nil and an error.
local function add_recording(self, list, event, video)
  local stream, err = stream_of(self, event, video)
  if err then return nil, err end
  if not stream then return true end
  if event.type == RECORDED then -- its encoding may have been reported before
    local status
    if video then status, err = read(video, "status") end
    if err then return nil, err end
    if not status or not conditions.is_met("playable", status) then return true end
  end
  list[#list + 1] = { type = RECORDING, emittedAt = event.emittedAt, videoId = event.videoId, liveStreamId = stream }
  return true
end

--- The derived events that follow from an event.
---@param event apivideo.Event of a type in `causes`
---@param client apivideo.Client|nil
---@param video? apivideo.DeliveredVideo|false that of the delivery
---@return apivideo.Event[]|nil events with the `emittedAt` of their cause
---@return any err why the state of the video cannot be read
function Derivation:events_of(event, client, video)
  local list, id = {}, event.videoId
  if type(id) ~= "string" then return list end
  if event.type == CAPTION and type(event.language) == "string" then
    list[1] = { type = AVAILABLE, emittedAt = event.emittedAt, videoId = id, language = event.language }
  end
  video = client and (video or delivered_video.new(client, id))
  local ok, err = true, nil
  if (event.type == QUALITY or event.type == FAILED) and self._conditions[1] then
    ok, err = add_ready(self, list, event, video)
  end
  if ok and self._has_recordings and event.type ~= FAILED then ok, err = add_recording(self, list, event, video) end
  if not ok then return nil, err end
  return list
end

local derivation = {}

---@return apivideo.events.Derivation
function derivation.new()
  return setmetatable({
    causes = {}, _conditions = {}, _needs_status = false, _has_recordings = false, _streams = recent.new(MAX_STREAMS),
  }, Derivation)
end

return derivation
