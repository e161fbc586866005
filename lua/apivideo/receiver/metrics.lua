--- Counts of requests and deliveries by outcome.

local REASONS = {
  [400] = "bad_event", [401] = "bad_signature", [405] = "bad_method", [413] = "too_large",
  [503] = "secret_unavailable",
  -- Kinds of errors with a reason of their own.
  store_unavailable = "store_unavailable", body_unavailable = "body_unavailable",
  in_progress = "in_progress", stale = "stale",
}

local OUTCOMES = {
  { name = "handled", help = "Deliveries whose handlers succeeded." },
  { name = "unhandled", help = "Deliveries that no handler matched." },
  { name = "failed", help = "Deliveries for which a handler failed." },
  { name = "stored", help = "Deliveries that the inbox has stored." },
  { name = "duplicate", help = "Deliveries of events that were stored or handled before." },
}

---@class apivideo.receiver.Counts
---@field private _types table<string, table<string, apivideo.metrics.Counter>> type -> its counts, by outcome
---@field private _reasons table<integer|string, apivideo.metrics.Counter> by status or kind of error
---@field private _seconds apivideo.metrics.Histogram
local Counts = {}
Counts.__index = Counts
Counts.__name = "apivideo.receiver.Counts"

--- Counts a request that was rejected.
---@param status integer of the response
---@param err apivideo.Error why; the store of an inbox and that of secrets fail with the same kind
function Counts:rejected(status, err)
  local count = err.origin ~= "secrets" and self._reasons[err.kind] or self._reasons[status]
  count:add(1)
end

--- Counts a delivery that the inbox has stored.
---@param type string of its event
function Counts:stored(type)
  local counts = self._types[type] or self._types.other
  counts.stored:add(1)
end

--- Counts a delivery of an event that was stored or handled before.
---@param type string of its event
function Counts:duplicate(type)
  local counts = self._types[type] or self._types.other
  counts.duplicate:add(1)
end

--- Counts a delivery whose handlers have returned.
---@param type string of its event
---@param handled integer|nil how many handlers ran; nil if one failed
---@param seconds number
function Counts:handled(type, handled, seconds)
  local counts = self._types[type] or self._types.other
  local count = not handled and counts.failed or handled == 0 and counts.unhandled or counts.handled
  count:add(1)
  self._seconds:observe(seconds)
end

local function sorted(list)
  table.sort(list)
  return list
end

-- Creates the counts by outcome and type: all of them at once, so that a rate begins at 0. Returns the families.
local function add_outcomes(self, registry, types)
  local labels = { "other" }
  for _, name in ipairs(types) do
    if name ~= "other" then labels[#labels + 1] = name end
  end
  sorted(labels)
  for _, label in ipairs(labels) do self._types[label] = {} end
  local families = {}
  for i, outcome in ipairs(OUTCOMES) do
    local family = registry:_counter("apivideo_deliveries_" .. outcome.name .. "_total", outcome.help, { "type" })
    for _, label in ipairs(labels) do self._types[label][outcome.name] = family:with(label) end
    families[i] = family
  end
  return families
end

-- Creates the counts by reason. Returns the family.
local function add_reasons(self, registry)
  local family = registry:_counter("apivideo_deliveries_rejected_total", "Requests that were rejected.", { "reason" })
  local names = {}
  for _, reason in pairs(REASONS) do names[#names + 1] = reason end
  for _, reason in ipairs(sorted(names)) do family:with(reason) end
  for cause, reason in pairs(REASONS) do self._reasons[cause] = family:with(reason) end
  return family
end

local counts = {}

--- Creates the counts of a receiver.
---@param types string[] the types with counts of their own; all others share one, so that a sender cannot create counts
---@param registry apivideo.Metrics
---@return apivideo.receiver.Counts
function counts.new(types, registry)
  local self = setmetatable({ _types = {}, _reasons = {} }, Counts)
  local rejected = add_reasons(self, registry)
  local families = add_outcomes(self, registry, types)
  families[#families + 1] = rejected
  registry:_sum("apivideo_deliveries_received_total", "Requests of any outcome.", families)
  self._seconds = registry:_histogram("apivideo_delivery_seconds",
    "From a delivery's arrival until its handlers returned."):with()
  return self
end

return counts
