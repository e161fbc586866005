--- Sequences of events that belong together, as api.video sends them, with the same new ids in all.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local ids = require "apivideo.emulator.ids"
local qualities = require "apivideo.emulator.qualities"

local QUALITY = "video.encoding.quality.completed" -- in a scenario: one event for each quality
local DEFAULT_QUALITY = "720p"
local PREFIXES = { videoId = "vi", liveStreamId = "li", captionId = "caption_", summaryId = "summary_" }

---@class apivideo.emulator.Scenario
---@field name string
---@field summary string
---@field ids string[] the ids that the events have, those that their types require
---@field types string[] of the events, in order

local scenarios = {}

---@type apivideo.emulator.Scenario[]
scenarios.list = {
  { name = "upload", summary = "An upload is encoded: HLS from 240p to --quality, then one MP4.",
    ids = { "videoId" }, types = { QUALITY } },
  { name = "live", summary = "A broadcast begins and ends.",
    ids = { "liveStreamId" }, types = { "live-stream.broadcast.started", "live-stream.broadcast.ended" } },
  { name = "recording", summary = "A broadcast begins and ends, and its recording is encoded.",
    ids = { "liveStreamId", "videoId" },
    types = { "live-stream.broadcast.started", "live-stream.broadcast.ended", "video.source.recorded", QUALITY } },
  { name = "transcript", summary = "An upload is encoded, then gets a caption and a summary.",
    ids = { "videoId", "captionId", "summaryId" },
    types = { QUALITY, "video.caption.generated", "video.summary.generated" } },
}

--- The scenario with a name; nil for an unknown name.
---@param name string
---@return apivideo.emulator.Scenario?
function scenarios.find(name)
  for _, scenario in ipairs(scenarios.list) do
    if scenario.name == name then return scenario end
  end
end

--- Whether a scenario has events of qualities, so that the options `quality` and `failed` apply.
---@param scenario apivideo.emulator.Scenario
---@return boolean
function scenarios.has_encoding(scenario)
  for _, name in ipairs(scenario.types) do
    if name == QUALITY then return true end
  end
  return false
end

-- An event of a type without its date: the sample's other fields, with the ids of the scenario.
local function event_of(catalogue, name, own_ids)
  local event = catalogue:sample(name)
  event.emittedAt = nil
  for field in pairs(PREFIXES) do event[field] = event[field] and own_ids[field] end
  return event
end

-- Adds an event for each quality that does not fail. Returns how many fail.
local function add_encoding(events, catalogue, own_ids, options)
  local failures = 0
  for _, quality in ipairs(qualities.of(options.quality or DEFAULT_QUALITY, true)) do
    if qualities.is_selected(options.failed or {}, quality) then
      failures = failures + 1
    else
      local event = event_of(catalogue, QUALITY, own_ids)
      event.encoding, event.quality = quality.type, quality.quality
      events[#events + 1] = event
    end
  end
  return failures
end

--- The events of a scenario, in order, without `emittedAt`.
---@param scenario apivideo.emulator.Scenario
---@param catalogue apivideo.Catalogue
---@param options { quality?: string, failed?: string[] } as `emulator:set_encoding`; a quality that fails has no event
---@return apivideo.Event[] events
---@return integer failures how many qualities fail
function scenarios.events(scenario, catalogue, options)
  local own_ids, events, failures = {}, {}, 0
  for _, field in ipairs(scenario.ids) do own_ids[field] = ids.new(PREFIXES[field]) end
  for _, name in ipairs(scenario.types) do
    if name == QUALITY then
      failures = add_encoding(events, catalogue, own_ids, options)
    else
      events[#events + 1] = event_of(catalogue, name, own_ids)
    end
  end
  return events, failures
end

return scenarios
