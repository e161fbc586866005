--- Stores that make a reconciliation wrong on purpose: the suite must notice each.

local json = require "apivideo.util.json"
local runtime = require "apivideo.runtime"

local OVERLAP = 60 -- seconds that a pass reads again

local faults = {}

-- A store like another one, with some methods replaced.
local function but(store, methods)
  return setmetatable(methods, { __index = function(_, method)
    return store[method] and function(_, ...) return store[method](store, ...) end
  end })
end

--- Each save moves the cursor to the time of the save, and the overlap cannot make up for it.
function faults.early_cursor(store)
  return but(store, { save = function(_, name, token, value, seconds)
    local state = json.decode_own(value)
    state.cursor = runtime.now() + OVERLAP
    return store:save(name, token, assert(json.encode(state)), seconds)
  end })
end

--- What is found has another key than the event that comes.
function faults.other_keys(store)
  return but(store, { put = function(_, items, window)
    for _, item in ipairs(items) do
      if item.origin == "reconcile" then item.key, item.occurrence = item.key .. "0:", nil end
    end
    return store:put(items, window)
  end })
end

return faults
