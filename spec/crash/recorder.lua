--- A store that records its calls and their results, for the checks. Each record is one write to the file of the
--- process, so that a kill loses no earlier record.

local apivideo = require "apivideo"
local cjson = require "cjson"
local events = require "spec.crash.events"
local runtime = require "apivideo.runtime"

local recorder = {}
local Recorder = {}
Recorder.__index = Recorder

---@param path string
---@param boot integer since the machine was last started, its clock and what is not durable are new
function recorder.open(path, boot)
  local self = setmetatable({ file = assert(io.open(path, "a")) }, Recorder)
  self.file:setvbuf "no"
  self:write { kind = "process", boot = boot }
  return self
end

function Recorder:write(record)
  assert(self.file:write(cjson.encode(record), "\n"))
end

local function claimed(self, started, entries)
  for _, entry in ipairs(entries or {}) do
    local event = assert(apivideo.events:_parse_entry(entry)) -- also a derived one
    self:write { kind = "claim", from = started, to = runtime.monotonic(), id = entry.id, token = entry.token,
      key = apivideo.events:key(event, entry.raw), lane = events.lane_of(event) }
  end
end

-- Records new items. The result of an item that is dropped as a retry is a string.
local function record_new(self, items, results)
  for i, is_new in ipairs(results or {}) do
    if is_new == true then self:write { kind = "new", to = runtime.monotonic(), key = items[i].key } end
  end
end

--- The store, recorded.
---@param store apivideo.Store
---@return apivideo.Store
function Recorder:around(store)
  local around = setmetatable({}, { __index = function(_, method)
    return store[method] and function(_, ...) return store[method](store, ...) end
  end })

  function around.put(_, items, window)
    local results, err = store:put(items, window)
    record_new(self, items, results)
    return results, err
  end

  function around.claim(_, limit, lease)
    local started = runtime.monotonic()
    local entries, err = store:claim(limit, lease)
    claimed(self, started, entries)
    return entries, err
  end

  for _, name in ipairs { "extend", "complete", "retry", "dead_letter" } do
    around[name] = function(_, id, token, ...)
      local started = runtime.monotonic()
      self:write { kind = "attempt", name = name, from = started, id = id, token = token }
      local holds, err = store[name](store, id, token, ...)
      self:write { kind = name, from = started, to = runtime.monotonic(), id = id, token = token,
        holds = holds == true }
      return holds, err
    end
  end

  around.complete_all = store.complete_all and function(_, claims, window)
    local started = runtime.monotonic()
    for _, claim in ipairs(claims) do
      self:write { kind = "attempt", name = "complete", from = started, id = claim.id, token = claim.token }
    end
    local results, err = store:complete_all(claims, window)
    for i, claim in ipairs(claims) do
      self:write { kind = "complete", from = started, to = runtime.monotonic(), id = claim.id, token = claim.token,
        holds = results ~= nil and results[i] }
    end
    return results, err
  end
  return around
end

return recorder
