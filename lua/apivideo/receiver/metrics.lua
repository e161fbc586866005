--- Counts of requests and deliveries by outcome, in Prometheus' text format.

local dictionary = require "apivideo.runtime.dictionary"

local PREFIX = "apivideo:metrics:"

-- Upper bounds of the histogram's buckets, in seconds, and their labels.
local BOUNDS = { 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.huge }
local WRITTEN = { "0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf" }

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

---@class apivideo.Metrics
---@field private _store apivideo.Dictionary
---@field private _types table<string, table<string, string>> type -> the keys of its counts, by outcome
---@field private _labels string[] the types, sorted
---@field private _reasons table<integer|string, string> status or kind of error -> the key of its reason
---@field private _rejections string[] the reasons, sorted
---@field private _buckets string[] keys
---@field private _sum string a key
local Metrics = {}
Metrics.__index = Metrics
Metrics.__name = "apivideo.Metrics"

-- The keys of a type's counts, by outcome. They are created once, so that a delivery creates no string.
local function keys_of(label)
  local keys = {}
  for _, outcome in ipairs(OUTCOMES) do keys[outcome.name] = PREFIX .. outcome.name .. ":" .. label end
  return keys
end

--- Counts a request that was rejected.
---@param status integer of the response
---@param kind apivideo.ErrorKind
function Metrics:rejected(status, kind)
  self._store:incr(self._reasons[kind] or self._reasons[status], 1, 0)
end

--- Counts a delivery that the inbox has stored.
---@param type string of its event
function Metrics:stored(type)
  self._store:incr((self._types[type] or self._types.other).stored, 1, 0)
end

--- Counts a delivery of an event that was stored or handled before.
---@param type string of its event
function Metrics:duplicate(type)
  self._store:incr((self._types[type] or self._types.other).duplicate, 1, 0)
end

--- Counts a delivery whose handlers have returned.
---@param type string of its event
---@param handled integer|nil how many handlers ran; nil if one failed
---@param seconds number
function Metrics:handled(type, handled, seconds)
  local store, keys = self._store, self._types[type] or self._types.other
  store:incr(not handled and keys.failed or handled == 0 and keys.unhandled or keys.handled, 1, 0)
  local place = 1
  while seconds > BOUNDS[place] do place = place + 1 end
  store:incr(self._buckets[place], 1, 0)
  store:incr(self._sum, seconds, 0)
end

local function escaped(label)
  return (label:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"))
end

local function write_metadata(lines, name, kind, help)
  lines[#lines + 1] = ("# HELP %s %s\n# TYPE %s %s"):format(name, help, name, kind)
end

local function write(lines, name, value)
  -- Some locales write a comma.
  lines[#lines + 1] = name .. " " .. (("%.15g"):format(value):gsub(",", "."))
end

-- Writes the deliveries by outcome and type; returns their number.
local function write_outcomes(self, lines)
  local total = 0
  for _, outcome in ipairs(OUTCOMES) do
    local name = "apivideo_deliveries_" .. outcome.name .. "_total"
    write_metadata(lines, name, "counter", outcome.help)
    for _, label in ipairs(self._labels) do
      local value = self._store:get(self._types[label][outcome.name]) or 0
      total = total + value
      write(lines, ('%s{type="%s"}'):format(name, escaped(label)), value)
    end
  end
  return total
end

local function write_rejected(self, lines)
  local total = 0
  local name = "apivideo_deliveries_rejected_total"
  write_metadata(lines, name, "counter", "Requests that were rejected.")
  for _, reason in ipairs(self._rejections) do
    local value = self._store:get(PREFIX .. "rejected:" .. reason) or 0
    total = total + value
    write(lines, ('%s{reason="%s"}'):format(name, reason), value)
  end
  return total
end

local function write_seconds(self, lines)
  local name, count = "apivideo_delivery_seconds", 0
  write_metadata(lines, name, "histogram", "From a delivery's arrival until its handlers returned.")
  for place, written in ipairs(WRITTEN) do
    count = count + (self._store:get(self._buckets[place]) or 0)
    write(lines, ('%s_bucket{le="%s"}'):format(name, written), count)
  end
  write(lines, name .. "_sum", self._store:get(self._sum) or 0)
  write(lines, name .. "_count", count)
end

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

-- Writes what is paused: the inbox, and types.
local function write_paused(lines, stats)
  local name = "apivideo_inbox_paused"
  write_metadata(lines, name, "gauge", "Whether the inbox is paused (1); with a type, whether that type is.")
  write(lines, name, stats.paused and 1 or 0)
  for _, paused in ipairs(stats.paused_types or {}) do
    write(lines, ('%s{type="%s"}'):format(name, (paused.type:gsub('[\\"\n]', ESCAPES))), 1)
  end
end

-- Writes the events in an inbox. While its store is unavailable, only the spool can be counted.
local function write_inbox(lines, stats)
  local name = "apivideo_inbox_events"
  write_metadata(lines, name, "gauge", "Events in the inbox.")
  for _, state in ipairs { "waiting", "claimed", "dead" } do
    if stats[state] then write(lines, ('%s{state="%s"}'):format(name, state), stats[state]) end
  end
  if stats.spooled then write(lines, name .. '{state="spooled"}', stats.spooled) end
  name = "apivideo_inbox_oldest_seconds"
  write_metadata(lines, name, "gauge", "Age of the oldest event that has not been handled.")
  write(lines, name, stats.oldest or 0)
  if stats.paused ~= nil then write_paused(lines, stats) end
end

--- All counts in the text format of Prometheus.
---@param stats? apivideo.InboxStats of an inbox
---@return string
function Metrics:text(stats)
  local lines, name = {}, "apivideo_deliveries_received_total"
  local received = write_rejected(self, lines) + write_outcomes(self, lines)
  write_metadata(lines, name, "counter", "Requests of any outcome.")
  write(lines, name, received)
  write_seconds(self, lines)
  if stats then write_inbox(lines, stats) end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

local metrics = {}

--- Creates the counts of a receiver.
---@param types string[] the types with counts of their own; all others share one, so that a sender cannot create counts
---@param store? apivideo.Dictionary shared with other receivers or processes, such as a dictionary of nginx
---@return apivideo.Metrics
function metrics.new(types, store)
  local self = {
    _store = store or dictionary.new(), _types = {}, _labels = {}, _reasons = {}, _rejections = {}, _buckets = {},
    _sum = PREFIX .. "sum",
  }
  for _, name in ipairs(types) do self._types[name] = keys_of(name) end
  self._types.other = keys_of "other"
  for label in pairs(self._types) do self._labels[#self._labels + 1] = label end
  table.sort(self._labels)
  for cause, reason in pairs(REASONS) do
    self._reasons[cause] = PREFIX .. "rejected:" .. reason
    self._rejections[#self._rejections + 1] = reason
  end
  table.sort(self._rejections)
  for place, written in ipairs(WRITTEN) do self._buckets[place] = PREFIX .. "seconds:" .. written end
  return setmetatable(self, Metrics)
end

return metrics
