--- The events that `apivideo trigger` sends: one of a type, those of a scenario, or given bytes.

local assignments = require "apivideo.cli.assignments"
local body = require "apivideo.cli.body"
local date = require "apivideo.util.date"
local derived = require "apivideo.events.derived"
local events = require "apivideo.events"
local json = require "apivideo.util.json"
local outgoing = require "apivideo.events.outgoing"
local output = require "apivideo.cli.output"
local qualities = require "apivideo.emulator.qualities"
local registry = require "apivideo.events.registry"
local runtime = require "apivideo.runtime"
local scenarios = require "apivideo.emulator.scenarios"
local spelling = require "apivideo.util.spelling"
local unknown = require "apivideo.events.unknown"

local REORDERED_MIN_S = 0.1 -- between the dates of two events that are sent in reverse order

local trigger_events = {}

---@class apivideo.cli.Message
---@field raw string
---@field event? table what `raw` contains; nil unless it is a JSON object with a type

-- What is wrong with a type; otherwise nil.
local function type_problem(name)
  if name == "" then
    return "the type is empty; check that the variable it is read from is set"
  elseif derived.is(name) then
    return derived.refusal(name) .. "; send an event that is its cause"
  elseif name:find("*", 1, true) then
    local known = registry.new(events):known(name)
    if #known == 0 then return unknown.describe(name, events) end
    return ("%s is a pattern, and an event has one type; send one of: %s"):format(name, table.concat(known, ", "))
  end
end

-- Warns about an unknown type: it may be misspelled, or newer than this version.
local function warn_of_type(name)
  if events.types[name] then return end
  local known = events:names()
  for _, scenario in ipairs(scenarios.list) do known[#known + 1] = scenario.name end
  local near = spelling.nearest(name, known)
  output.warn(("unknown event type %s; sending it anyway; %s"):format(name,
    near and "did you mean " .. near .. "?" or "see: apivideo trigger --help"))
end

-- The events of a scenario; or nil and a message.
local function of_scenario(scenario, arguments)
  local problem = arguments.quality and qualities.problem(arguments.quality)
  if problem then return nil, "--quality " .. problem end
  for _, text in ipairs(arguments.failed) do
    if not qualities.is_valid_selection(text) then
      return nil, ("--failed must be an encoding, a quality or both, such as 'hls 360p', mp4 or 1080p, got '%s'")
        :format(text)
    end
  end
  local list, failures = scenarios.events(scenario, events, { quality = arguments.quality, failed = arguments.failed })
  if failures == 0 and #arguments.failed > 0 then return nil, "--failed selects no quality of this upload" end
  return list
end

-- Whether the catalogue has a field in the type of an event.
local function has_field(event, name)
  local schema = events.types[event.type]
  return schema ~= nil and unknown.field(name, { schema }) == nil
end

-- The events of a list that have a field; all, if none of them has it.
local function with_field(list, name)
  local selected = {}
  for _, event in ipairs(list) do
    if has_field(event, name) then selected[event] = true end
  end
  if next(selected) then return selected end
  for _, event in ipairs(list) do selected[event] = true end
  return selected, true
end

-- Warns about a field that is not in the catalogue: it may be misspelled, or newer than this version.
local function warn_of_field(list, name)
  local schemas = {}
  for _, event in ipairs(list) do schemas[#schemas + 1] = events.types[event.type] end
  if #schemas == 0 then return end
  output.warn(("%s has no field %s; sending it anyway; %s"):format(list[1].type, name, unknown.field(name, schemas)))
end

-- Adds each item of an option to the changes of the events that have its field.
local function distribute(list, changes, option, items, name_of)
  for _, item in ipairs(items) do
    local selected, is_unknown = with_field(list, name_of(item))
    if is_unknown and option == "set" then warn_of_field(list, name_of(item)) end
    for event in pairs(selected) do table.insert(changes[event][option], item) end
  end
end

-- The events with the changes of --set and --unset; or nil and a message. A scenario's events have different fields.
local function with_changes(list, arguments)
  local changes, changed = {}, {}
  for _, event in ipairs(list) do changes[event] = { set = {}, unset = {} } end
  distribute(list, changes, "set", arguments.set, function(item) return item.name end)
  distribute(list, changes, "unset", arguments.unset, function(item) return item end)
  for i, event in ipairs(list) do
    local problem
    changed[i], problem = assignments.apply(event, changes[event].set, changes[event].unset)
    if problem then return nil, problem end
  end
  return changed
end

-- Sets the dates: the events happen now, with pauses in between. In reverse order, they have happened already.
local function set_dates(list, pause, is_reversed)
  local now = runtime.now()
  for i, event in ipairs(list) do
    local seconds = is_reversed and now - (#list - i) * math.max(pause, REORDERED_MIN_S) or now + (i - 1) * pause
    event.emittedAt = date(seconds)
  end
end

-- The messages in the order in which they are sent.
local function in_order(list, arguments)
  local messages = {}
  for i = 1, #list do
    local event = list[arguments.reverse and #list + 1 - i or i]
    local message = { raw = outgoing.encode_fields(event, events), event = event }
    for _ = 1, arguments.duplicate and 2 or 1 do messages[#messages + 1] = message end
  end
  return messages
end

-- The message of --data.
local function of_data(text)
  local raw, problem = body.of_option(text)
  if not raw then return nil, "--data: " .. problem end
  local event = json.decode(raw)
  return { raw = raw, event = type(event) == "table" and type(event.type) == "string" and event or nil }
end

--- The messages to send.
---@param arguments table
---@param pause number seconds between two of them
---@return apivideo.cli.Message[]|nil messages
---@return string? problem
function trigger_events.messages(arguments, pause)
  if arguments.data then
    local message, problem = of_data(arguments.data)
    return message and (arguments.duplicate and { message, message } or { message }), problem
  end
  local scenario, list, problem = scenarios.find(arguments.type), nil, type_problem(arguments.type)
  if scenario then
    list, problem = of_scenario(scenario, arguments)
  elseif not problem then
    warn_of_type(arguments.type)
    list = { events:sample(arguments.type) or { type = arguments.type } }
  end
  if problem then return nil, problem end
  set_dates(list, pause, arguments.reverse)
  list, problem = with_changes(list, arguments)
  if not list then return nil, problem end
  return in_order(list, arguments)
end

return trigger_events
