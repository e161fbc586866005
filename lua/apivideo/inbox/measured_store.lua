--- A store of which each call is measured.

local runtime = require "apivideo.runtime"

local METHODS = { "put", "claim", "extend", "complete", "complete_all", "remove", "retry", "dead_letter", "expire",
  "list", "count", "redrive", "replay", "purge", "import", "pause", "resume", "stats", "activity", "acquire", "save" }

-- A method that calls that of the store. Each returns at most two results, the first of which is nil if it failed; none
-- has more than six arguments.
local function measured(store, name, counts)
  local seconds, errors = counts:of_store(name)
  local succeeded_at, failures = counts.succeeded_at, counts.failures
  return function(_, a, b, c, d, e, f)
    local began = runtime.monotonic()
    local result, second = store[name](store, a, b, c, d, e, f)
    local ended = runtime.monotonic()
    seconds:observe(ended - began)
    if result == nil then
      errors:add(1)
      failures[name] = { at = ended, err = second }
    else
      succeeded_at[name], failures[name] = ended, nil
    end
    return result, second
  end
end

local measured_store = {}

--- Creates a store over another.
---@param store apivideo.Store
---@param counts apivideo.inbox.Counts
---@return apivideo.Store
function measured_store.new(store, counts)
  local self = {}
  for _, name in ipairs(METHODS) do
    if store[name] then self[name] = measured(store, name, counts) end
  end
  for _, name in ipairs { "open", "close", "time", "exists" } do
    if store[name] then self[name] = function() return store[name](store) end end
  end
  return setmetatable(self, { __index = store, __tostring = function() return tostring(store) end })
end

return measured_store
