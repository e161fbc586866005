--- What the test knows of the passes of a reconciliation, by the store that keeps their state.

local json = require "apivideo.util.json"
local terms = require "spec.missed.terms"

local passes = {}

local function path_of(directory)
  return directory .. "/streams.json"
end

-- Shows the test which live streams broadcast according to a state.
local function show(directory, name, value)
  local path = path_of(directory)
  local temporary = path .. "." .. name
  local file = assert(io.open(temporary, "w"))
  file:write(assert(json.encode(json.decode_own(value).streams or {})))
  file:close()
  assert(os.rename(temporary, path))
end

--- A store with short leases, so that the next process need not wait for three minutes after a kill.
---@param store apivideo.Store
---@param directory string of the storm
---@param process string its name
---@return apivideo.Store
function passes.around(store, directory, process)
  local around = setmetatable({}, { __index = function(_, method)
    return store[method] and function(_, ...) return store[method](store, ...) end
  end })

  function around.acquire(_, name, seconds, rest)
    return store:acquire(name, math.min(seconds, terms.PASS_LEASE), rest)
  end

  function around.save(_, name, token, value, seconds)
    local is_held, err = store:save(name, token, value, math.min(seconds, terms.PASS_LEASE))
    if is_held then show(directory, process, value) end
    return is_held, err
  end
  return around
end

--- The live streams that broadcast according to the last state.
---@param directory string
---@return table<string, boolean>
function passes.streams(directory)
  local file = io.open(path_of(directory))
  if not file then return {} end
  local streams = json.decode_own(file:read "*a") or {}
  file:close()
  return streams
end

return passes
