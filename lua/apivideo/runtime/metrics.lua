--- Metrics for Prometheus: one object has those of a client, an inbox and a receiver, of this process or of several.

local checks = require "apivideo.util.checks"
local constructor = require "apivideo.util.constructor"
local dictionary = require "apivideo.runtime.dictionary"
local exposition = require "apivideo.runtime.exposition"
local metric_series = require "apivideo.runtime.metric_series"
local shared_counts = require "apivideo.runtime.shared_counts"

-- Upper bounds of the buckets, in seconds: of what takes long only when something is wrong, and of what may wait.
local SECONDS = { 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.huge }
local WAITS = { 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, math.huge }

---@class apivideo.metrics.Family the series of one name
---@field name string
---@field help string
---@field kind "counter"|"gauge"|"histogram"
---@field labels string[] names
---@field bounds? number[] of a histogram
---@field metric? table of nginx-lua-prometheus
---@field series table<string, table> by their labels, as in the text
---@field order string[] the same labels, in the order of the text
---@field private _store? apivideo.Dictionary
---@field private _counts? apivideo.SharedCounts
local Family = {}
Family.__index = Family

--- The series with these values of its labels. It is created at the first call, and written from then on.
---@param ... string
---@return any
function Family:with(...)
  local values = { ... }
  local labels = exposition.labels(self.labels, values)
  local series = self.series[labels]
  if series then return series end
  if self.metric then
    series = metric_series.of_metric(self, values)
  elseif self._store then
    series = metric_series.in_store(self, labels, self._store, self._counts)
  else
    series = metric_series.in_memory(self)
  end
  self.series[labels] = series
  self.order[#self.order + 1] = labels
  return series
end

---@class apivideo.Metrics
---@field private _store? apivideo.Dictionary
---@field private _counts? apivideo.SharedCounts
---@field private _prometheus? table
---@field private _families table<string, apivideo.metrics.Family>
---@field private _order apivideo.metrics.Family[]
local Metrics = {}
Metrics.__index = Metrics
Metrics.__name = "apivideo.Metrics"

Metrics.__tostring = function() return "apivideo.metrics" end

-- The bounds without the infinite one, which nginx-lua-prometheus adds.
local function finite(bounds)
  local list = {}
  for i = 1, #bounds - 1 do list[i] = bounds[i] end
  return list
end

-- Registers a family with nginx-lua-prometheus.
local function delegate(prometheus, family)
  local labels = #family.labels > 0 and family.labels or nil
  family.metric = prometheus[family.kind](prometheus, family.name, family.help, labels,
    family.bounds and finite(family.bounds))
  if not family.metric then
    error(("apivideo.metrics: prometheus:%s did not register %s, see nginx's log; create one object of apivideo.metrics"
      .. " for each object of nginx-lua-prometheus, after its init"):format(family.kind, family.name), 0)
  end
end

-- The family with a name, which is created at the first call. A local one belongs to this process, and is not shared.
local function family_of(self, kind, name, help, labels, bounds, is_local)
  local family = self._families[name]
  if family then return family end
  family = setmetatable({ kind = kind, name = name, help = help, labels = labels or {}, bounds = bounds, series = {},
    order = {}, _store = not is_local and self._store or nil, _counts = self._counts }, Family)
  if self._prometheus then delegate(self._prometheus, family) end
  self._families[name] = family
  self._order[#self._order + 1] = family
  return family
end

---@private
---@param name string
---@param help string
---@param labels? string[]
---@return apivideo.metrics.Family
function Metrics:_counter(name, help, labels)
  return family_of(self, "counter", name, help, labels)
end

--- A gauge. One that is set just before it is written is not shared with other processes.
---@private
---@param name string
---@param help string
---@param labels? string[]
---@param is_shared? boolean
---@return apivideo.metrics.Family
function Metrics:_gauge(name, help, labels, is_shared)
  return family_of(self, "gauge", name, help, labels, nil, not is_shared)
end

---@private
---@param name string
---@param help string
---@param labels? string[]
---@param may_wait? boolean whether the values may be minutes
---@return apivideo.metrics.Family
function Metrics:_histogram(name, help, labels, may_wait)
  return family_of(self, "histogram", name, help, labels, may_wait and WAITS or SECONDS)
end

--- The sum of counters, as one more counter, which is computed when it is written. nginx-lua-prometheus has none of it.
---@private
---@param name string
---@param help string
---@param families apivideo.metrics.Family[]
function Metrics:_sum(name, help, families)
  if self._prometheus or self._families[name] then return end
  family_of(self, "counter", name, help):with().get = function()
    local sum = 0
    for _, family in ipairs(families) do
      for _, series in pairs(family.series) do sum = sum + series:get() end
    end
    return sum
  end
end

--- All metrics, in Prometheus' text format. Those that are read from a store are as of the last `inbox:metrics()`.
---@return string text
function Metrics:text()
  checks.self(self, Metrics, "metrics", "text")
  if self._prometheus then return table.concat(self._prometheus:metric_data()) end
  local lines = {}
  for _, family in ipairs(self._order) do exposition.add(lines, family) end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

---@class apivideo.MetricsOptions
---@field store? apivideo.Dictionary has the counts, such as a shared dictionary of nginx, so that all workers share them; nginx's workers add theirs once a second
---@field prometheus? table an object of nginx-lua-prometheus, which then has and writes the metrics

local function create(options)
  options = checks.options("metrics", options or {}, { store = "table?", prometheus = "table?" }, 4)
  if options.store and options.prometheus then
    error("metrics: options \"store\" and \"prometheus\" exclude each other: nginx-lua-prometheus has a dictionary of"
      .. " its own", 3)
  elseif options.store then
    dictionary.check('metrics: option "store"', options.store, { "get", "set", "incr" }, 3)
  elseif options.prometheus then
    for _, name in ipairs { "counter", "gauge", "histogram", "metric_data" } do
      if type(options.prometheus[name]) ~= "function" then
        error('metrics: option "prometheus" must come from require("prometheus").init() of nginx-lua-prometheus', 3)
      end
    end
  end
  return setmetatable({
    _store = options.store, _counts = options.store and shared_counts.new(options.store),
    _prometheus = options.prometheus, _families = {}, _order = {},
  }, Metrics)
end

--- Creates metrics: `metrics.new(options)`, or `metrics(options)`. They are for the option `metrics` of a client, an
--- inbox and a receiver.
---@class apivideo.metrics
---@field new fun(options?: apivideo.MetricsOptions): apivideo.Metrics
---@overload fun(options?: apivideo.MetricsOptions): apivideo.Metrics
local metrics = {}

--- Raises unless the option `metrics` of an object is nil or comes from here.
---@param where string the object
---@param value any
---@param level integer at which it raises, as seen from here
function metrics.check(where, value, level)
  if value ~= nil and getmetatable(value) ~= Metrics then
    error(("%s: option \"metrics\" must come from apivideo.metrics()"):format(where), level)
  end
end

return constructor(metrics, create)
