--- The options that select entries of an inbox.

local derived = require "apivideo.events.derived"
local numbers = require "apivideo.cli.numbers"
local selection = require "apivideo.cli.selection"
local spelling = require "apivideo.util.spelling"
local times = require "apivideo.cli.times"

local STATES = { "waiting", "claimed", "dead", "done" }
local NAMES = { "state", "type", "webhook_id", "video_id", "lane", "error", "since", "before", "id" }

local filter = { STATES = STATES }

-- Argparse's `choices` do not name the option.
local function state(text)
  for _, name in ipairs(STATES) do
    if text == name then return name end
  end
  local near = spelling.nearest(text, STATES)
  return nil, ("--state must be waiting, claimed, dead or done, got '%s'%s"):format(text,
    near and ("; did you mean %s?"):format(near) or "")
end

-- A type or pattern. One that no event has is a mistake, or newer than this version: that is only a warning.
local function type_or_pattern(text)
  if derived.is(text) then return text end
  local selected, problem = selection.new({ text }, {}, "--type")
  return selected and text, problem
end

--- Defines the options.
---@param sub table of argparse
---@param has_state boolean whether entries of more than one state can be selected
function filter.define(sub, has_state)
  if has_state then
    sub:option("--state", "Only entries that are waiting, claimed, dead or done."):argname "<state>":convert(state)
  end
  sub:option("--type", "Only events of this type, or of a pattern such as 'video.*'."):argname "<type>"
    :convert(type_or_pattern)
  sub:option("--webhook", "Only events that came for this webhook."):argname "<id>":target "webhook_id"
  sub:option("--video", "Only events of this video."):argname "<id>":target "video_id"
  sub:option("--lane", "Only events of this ordering key."):argname "<text>"
  sub:option("--error", "Only entries whose last error contains this."):argname "<text>"
  sub:option("--since", "Only events received since then: 2h (ago), 1d, or 2026-01-31T12:00:00Z."):argname "<time>"
    :convert(times.point "--since")
  sub:option("--before", "Only events received before that."):argname "<time>":convert(times.point "--before")
  sub:option("--id", "Only the entry with this id."):argname "<id>":convert(numbers.limit "--id")
end

--- The filter that the arguments mean.
---@param arguments table
---@return apivideo.InboxFilter
function filter.of(arguments)
  local selected = {}
  for _, name in ipairs(NAMES) do selected[name] = arguments[name] end
  return selected
end

return filter
