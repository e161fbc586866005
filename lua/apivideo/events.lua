--- The catalogue of event types: the one place that lists them. The parser, the de-duplication key,
--- the emulator, the command and the documentation read it.
---
--- Source: api.video's documentation, "Webhooks" (https://docs.api.video/reference/webhooks), and the
--- webhooks of its OpenAPI document; samples have the values of its examples.

local core = require "apivideo.core"
local errors = require "apivideo.error"
local options = require "apivideo.options"

local compile = core.event.compile
local sign = core.signature.sign

---@class apivideo.Event
---@field type string what happened
---@field emittedAt string when, as api.video spells it: `apivideo.timestamp` makes it a number. Every known type has it
---@field [string] any fields newer than this library. An array may hold `cjson.null`

--- A live stream began to broadcast. Comes for each broadcast, so again for the same stream.
---@class apivideo.event.LiveStreamBroadcastStarted : apivideo.Event
---@field type "live-stream.broadcast.started"
---@field liveStreamId string the live stream

--- A live stream's broadcast ended. Comes for each broadcast, so again for the same stream.
---@class apivideo.event.LiveStreamBroadcastEnded : apivideo.Event
---@field type "live-stream.broadcast.ended"
---@field liveStreamId string the live stream

--- A broadcast is recorded, and the recording in the queue for encoding.
---@class apivideo.event.VideoSourceRecorded : apivideo.Event
---@field type "video.source.recorded"
---@field liveStreamId string the live stream that was recorded
---@field videoId string the recording: a new video each time

--- One version of a video is encoded. Comes once for each quality of HLS, and once for MP4.
---@class apivideo.event.VideoEncodingQualityCompleted : apivideo.Event
---@field type "video.encoding.quality.completed"
---@field videoId string the video
---@field encoding "hls"|"mp4"|string the version's format
---@field quality "240p"|"360p"|"480p"|"720p"|"1080p"|"2160p"|string the version's quality
---@field liveStreamId? string the live stream that the video is a recording of

--- A caption was made for a video.
---@class apivideo.event.VideoCaptionGenerated : apivideo.Event
---@field type "video.caption.generated"
---@field videoId string the video
---@field captionId string the caption
---@field generationMode "transcript"|string how it was made
---@field language string its language, an IETF language tag such as `en`

--- A summary was made of a video.
---@class apivideo.event.VideoSummaryGenerated : apivideo.Event
---@field type "video.summary.generated"
---@field videoId string the video
---@field summaryId string the summary

---@class apivideo.EventType
---@field required string[] fields that every event of the type has: strings. Without one it is `bad_event`
---@field identity string[] the required fields that, beside the type, tell one occurrence from another
---@field emitted_at? boolean whether `emittedAt` belongs to the identity, because the same thing happens again
---@field description? string one line
---@field sample? table an event

---@type table<string, apivideo.EventType>
local types = {
  ["live-stream.broadcast.started"] = {
    required = { "liveStreamId", "emittedAt" },
    identity = { "liveStreamId" },
    emitted_at = true,
    description = "A live stream began to broadcast.",
    sample = {
      type = "live-stream.broadcast.started",
      emittedAt = "2023-05-23T09:29:02.154104779Z",
      liveStreamId = "li400mYKSgQ6xs7taUeSaEap",
    },
  },
  ["live-stream.broadcast.ended"] = {
    required = { "liveStreamId", "emittedAt" },
    identity = { "liveStreamId" },
    emitted_at = true,
    description = "A live stream's broadcast ended.",
    sample = {
      type = "live-stream.broadcast.ended",
      emittedAt = "2023-05-23T10:41:37.480116204Z",
      liveStreamId = "li400mYKSgQ6xs7taUeSaEap",
    },
  },
  ["video.source.recorded"] = {
    required = { "videoId", "liveStreamId", "emittedAt" },
    identity = { "videoId" },
    emitted_at = false,
    description = "A broadcast is recorded, and its recording waits to be encoded.",
    sample = {
      type = "video.source.recorded",
      emittedAt = "2021-01-29T16:46:25.217+01:00",
      liveStreamId = "li400mYKSgQ6xs7taUeSaEap",
      videoId = "vi4blUQJFrYWbaG44NChkH11",
    },
  },
  ["video.encoding.quality.completed"] = {
    required = { "videoId", "encoding", "quality", "emittedAt" },
    identity = { "videoId", "encoding", "quality" },
    emitted_at = false,
    description = "One quality of a video is encoded, as HLS or MP4.",
    sample = {
      type = "video.encoding.quality.completed",
      emittedAt = "2021-01-29T15:46:25.217Z",
      videoId = "vi0000000000000000000000",
      liveStreamId = "li0000000000000000000000",
      encoding = "hls",
      quality = "720p",
    },
  },
  ["video.caption.generated"] = {
    required = { "videoId", "captionId", "generationMode", "language", "emittedAt" },
    identity = { "videoId", "captionId" },
    emitted_at = false,
    description = "A caption was made for a video.",
    sample = {
      type = "video.caption.generated",
      emittedAt = "2024-08-08T14:12:18+00:00",
      videoId = "vi4blUQJFrYWbaG44NCh1234",
      captionId = "caption_1CHAfLFHT5B5EV4vzT1234",
      generationMode = "transcript",
      language = "en",
    },
  },
  ["video.summary.generated"] = {
    required = { "videoId", "summaryId", "emittedAt" },
    identity = { "videoId", "summaryId" },
    emitted_at = false,
    description = "A summary was made of a video.",
    sample = {
      type = "video.summary.generated",
      emittedAt = "2024-08-08T14:12:18+00:00",
      videoId = "vi4blUQJFrYWbaG44NCh1234",
      summaryId = "summary_1CGyYoB9XCgBk4iQna8ocT",
    },
  },
}

---@class apivideo.Catalogue
---@field types table<string, apivideo.EventType> read only
local Catalogue = {}
Catalogue.__index = Catalogue

local function new(all)
  return setmetatable({ types = all }, Catalogue)
end

local function bad(kind, message, field, offset)
  if field then message = field .. ": " .. message end
  if offset then message = ("%s (at byte %d)"):format(message, offset) end
  return nil, errors.new(kind, message, { field = field, offset = offset, origin = "event" })
end

-- catalogue -> what reads its events, made when first needed
local parsers = setmetatable({}, {
  __mode = "k",
  __index = function(list, catalogue)
    list[catalogue] = compile(catalogue.types)
    return list[catalogue]
  end,
})

--- Reads an event from the bytes that arrived. Keeps every field, the unknown ones, too; leaves out
--- those that are null. An event of an unknown type is an event.
---@param raw string
---@return apivideo.Event? event
---@return apivideo.Error? err `bad_json` `bad_event` `too_large`, with `offset` (from 0) and `field` where they apply
function Catalogue:parse(raw)
  if type(raw) ~= "string" then
    error(("events:parse: raw body (string) expected, got %s: pass the bytes as they arrived, "
      .. "not a decoded table"):format(type(raw)), 2)
  end
  local event, kind, message, field, offset = parsers[self](raw)
  if event then return event end
  return bad(kind, message, field, offset)
end

-- How lengths are written: PUC Lua takes longer to write one than for all else about a key.
local lengths = setmetatable({}, { __index = function(_, length) return length .. ":" end })
for length = 0, 100 do lengths[length] = length .. ":" end

-- A key and one value more, its length before it: "ab" beside "c" is not "a" beside "bc".
local function extended(key, value)
  return key .. lengths[#value] .. value
end

local function raise_no_string(event, field)
  error(("events:key: event.%s must be a string, got %s"):format(field, type(event[field])), 3)
end

--- What tells one occurrence from another: two deliveries with the same key are the same event.
---@param event apivideo.Event
---@param raw? string the event's bytes: needed where the type is not in the catalogue, since then they are the identity
---@return string key
---@return string? undated where `emittedAt` belongs to the identity, the key without it: what comes with the same one within seconds is the same event, should the sender stamp its retries anew
function Catalogue:key(event, raw)
  if type(event) ~= "table" then
    error("events:key: event must be a table, got " .. type(event), 2)
  end
  local name = event.type
  if type(name) ~= "string" then raise_no_string(event, "type") end
  local known, key = self.types[name], extended("", name)
  if not known then
    if type(raw) ~= "string" then
      error(("events:key: raw (string) expected, got %s: \"%s\" is not in the catalogue"):format(type(raw), name), 2)
    end
    return extended(key, sign(raw, name))
  end
  for i = 1, #known.identity do
    local value = event[known.identity[i]]
    if type(value) ~= "string" then raise_no_string(event, known.identity[i]) end
    key = extended(key, value)
  end
  if not known.emitted_at then return key end
  if type(event.emittedAt) ~= "string" then raise_no_string(event, "emittedAt") end
  return extended(key, event.emittedAt), key
end

--- The types' names, sorted.
---@return string[]
function Catalogue:names()
  local names = {}
  for name in pairs(self.types) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[copy(key)] = copy(item) end
  return result
end

--- A type's sample: a copy, to be changed freely.
---@param name string
---@return apivideo.Event? event nil for a type that is not in the catalogue, or has none
function Catalogue:sample(name)
  local known = self.types[name]
  return known and copy(known.sample)
end

local definition_options = {
  required = "table", identity = "table",
  emitted_at = "boolean?", description = "string?", sample = "table?",
}

-- A list of field names as a set; nil if it is none.
local function set_of(list)
  local set, count = {}, 0
  for key, field in pairs(list) do
    if type(key) ~= "number" or type(field) ~= "string" or field == "" then return nil end
    set[field] = true
    count = count + 1
  end
  return count == #list and set or nil
end

-- What is wrong with a definition's fields, or nil.
local function field_problem(definition)
  local required, identity = set_of(definition.required), set_of(definition.identity)
  if not required then return "required must be a list of field names" end
  if not identity then return "identity must be a list of field names" end
  for _, field in ipairs(definition.identity) do
    if field == "type" or field == "emittedAt" then
      return ("identity must not list %s: the type always belongs to it, emittedAt by emitted_at = true")
        :format(field)
    end
    if not required[field] then
      return ("identity lists \"%s\", which is not required"):format(field)
    end
  end
  if definition.emitted_at and not required.emittedAt then
    return "emitted_at is true, but required does not list emittedAt"
  end
end

local events = new(types)

--- Makes a catalogue that has the application's types beside the known ones. A type of a known name
--- takes its place: an application need not wait for a new version of the library.
---@param added table<string, apivideo.EventType>
---@return apivideo.Catalogue
function events.extend(added)
  if type(added) ~= "table" then
    error("events.extend: types (table) expected, got " .. type(added), 2)
  elseif getmetatable(added) == Catalogue then
    error("events.extend: types (table) expected, got a catalogue: it is called with a dot", 2)
  end
  local all = copy(types)
  for name, definition in pairs(added) do
    if type(name) ~= "string" or name == "" then
      error("events.extend: a type's name must be a non-empty string", 2)
    end
    local where = ("events.extend: type \"%s\""):format(name)
    options.check(where, definition, definition_options)
    local problem = field_problem(definition)
    if problem then error(where .. ": " .. problem, 2) end
    all[name] = copy(definition)
  end
  local ok, problem = pcall(compile, all)
  if not ok then error("events.extend: " .. tostring(problem), 2) end
  return new(all)
end

return events
