--- The options that select entries of an inbox.

local derived = require "apivideo.events.derived"
local numbers = require "apivideo.cli.numbers"
local selection = require "apivideo.cli.selection"
local spelling = require "apivideo.util.spelling"
local times = require "apivideo.cli.times"

local STATES = { "waiting", "claimed", "dead", "done" }
local NAMES = { "state", "type", "webhook_id", "video_id", "lane", "error", "since", "before", "id" }

local filter = { STATES = STATES }

-- "dead or done"
local function in_words(states)
  return table.concat(states, ", ", 1, #states - 1) .. " or " .. states[#states]
end

-- Converts a state. Argparse's `choices` do not name the option.
local function state_of(states)
  return function(text)
    for _, name in ipairs(states) do
      if text == name then return name end
    end
    local near = spelling.nearest(text, states)
    return nil, ("--state must be %s, got '%s'%s"):format(in_words(states), text,
      near and ("; did you mean %s?"):format(near) or "")
  end
end

-- A type or pattern. One that no event has is a mistake, or newer than this version: that is only a warning.
local function type_or_pattern(text)
  if derived.is(text) then return text end
  local selected, problem = selection.new({ text }, {}, "--type")
  return selected and text, problem
end

--- Defines the options.
---@param sub table of argparse
---@param states? string[] among which --state selects; nil if there is only one
function filter.define(sub, states)
  if states then
    sub:option("--state", ("Only entries that are %s."):format(in_words(states))):argname "<state>"
      :convert(state_of(states))
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
