--- The series of metrics, each in one of three places: the memory of this process, a dictionary that processes share, or
--- an object of nginx-lua-prometheus.

local PREFIX = "apivideo:metrics:" -- of the keys in a dictionary

---@class apivideo.metrics.Counter
---@field add fun(self, value: number)
---@field get fun(self): number

---@class apivideo.metrics.Gauge
---@field set fun(self, value: number|nil) nil: the series is not written
---@field get fun(self): number|nil

---@class apivideo.metrics.Histogram
---@field observe fun(self, value: number)
---@field get fun(self, place: integer): number observations up to the bound with that place, and above the one before it
---@field sum fun(self): number

-- The place of a value among the bounds, the last of which is infinite.
local function place_of(bounds, value)
  local place = 1
  while value > bounds[place] do place = place + 1 end
  return place
end

-- Gives an object its methods: as fields, since a lookup in a metatable costs as much as the count itself.
local function with_methods(self, methods)
  for name, method in pairs(methods) do self[name] = method end
  return self
end

local memory = {
  counter = {
    add = function(self, value) self.value = self.value + value end,
    get = function(self) return self.value end,
  },
  gauge = {
    set = function(self, value) self.value = value end,
    get = function(self) return self.value end,
  },
  histogram = {
    observe = function(self, value) -- without a call: it is in the path of each event
      local counts, bounds, place = self.counts, self.bounds, 1
      while value > bounds[place] do place = place + 1 end
      counts[place] = counts[place] + 1
      self.total = self.total + value
    end,
    get = function(self, place) return self.counts[place] end,
    sum = function(self) return self.total end,
  },
}

-- The keys are created once, so that counting creates no string.
local shared = {
  counter = {
    add = function(self, value) self.counts:add(self.key, value) end,
    get = function(self) return self.counts:get(self.key) end,
  },
  gauge = {
    set = function(self, value) self.store:set(self.key, value) end,
    get = function(self) return self.store:get(self.key) end,
  },
  histogram = {
    observe = function(self, value)
      local counts = self.counts
      counts:add(self.keys[place_of(self.bounds, value)], 1)
      counts:add(self.sum_key, value)
    end,
    get = function(self, place) return self.counts:get(self.keys[place]) end,
    sum = function(self) return self.counts:get(self.sum_key) end,
  },
}

-- nginx-lua-prometheus writes these itself, so there is no `get`.
local delegated = {
  counter = { add = function(self, value) self.metric:inc(value, self.values) end },
  gauge = {
    set = function(self, value)
      local known = self.value
      self.value = value
      if value then self.metric:set(value, self.values) elseif known then self.metric:del(self.values) end
    end,
  },
  histogram = { observe = function(self, value) self.metric:observe(value, self.values) end },
}

local series = {}

--- Creates a series in the memory of this process.
---@param family apivideo.metrics.Family
---@return table
function series.in_memory(family)
  local self = {}
  if family.kind == "counter" then self.value = 0 end
  if family.bounds then
    self.bounds, self.counts, self.total = family.bounds, {}, 0
    for place = 1, #family.bounds do self.counts[place] = 0 end
  end
  return with_methods(self, memory[family.kind])
end

--- Creates a series in a dictionary.
---@param family apivideo.metrics.Family
---@param labels string as in the text
---@param store apivideo.Dictionary
---@param counts apivideo.SharedCounts of that dictionary
---@return table
function series.in_store(family, labels, store, counts)
  local key = ("%s%s{%s}"):format(PREFIX, family.name, labels)
  local self = { store = store, counts = counts, key = key }
  if family.bounds then
    self.bounds, self.keys, self.sum_key = family.bounds, {}, key .. ":sum"
    for place, bound in ipairs(family.bounds) do self.keys[place] = ("%s:%s"):format(key, tostring(bound)) end
  end
  return with_methods(self, shared[family.kind])
end

--- Creates a series of a metric of nginx-lua-prometheus.
---@param family apivideo.metrics.Family
---@param values string[] of its labels
---@return table
function series.of_metric(family, values)
  return with_methods({ metric = family.metric, values = #values > 0 and values or nil }, delegated[family.kind])
end

return series
