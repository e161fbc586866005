--- The named states of the store in memory.

local core = require "apivideo.core"
local stores = require "apivideo.inbox.store"

local now = function() return core.monotonic() end

local states = {}

-- Removes the states that were not saved for long: of an account whose name has changed, for example.
local function remove_old(known)
  local limit = now() - stores.STATE_RETENTION_S
  for name, state in pairs(known) do
    if state.expires <= now() and state.saved_at <= limit then known[name] = nil end
  end
end

--- See apivideo.Store.acquire. `known` has name -> { token, expires, saved_at, value }.
function states.acquire(known, name, seconds, rest)
  if not known[name] then remove_old(known) end
  local state = known[name] or { token = 0, expires = 0, saved_at = -math.huge }
  local wait = math.max(state.expires, state.saved_at + rest) - now()
  if wait > 0 then return false, wait end
  state.token, state.expires = state.token + 1, now() + seconds
  known[name] = state
  return { token = state.token, value = state.value }
end

--- See apivideo.Store.save.
function states.save(known, name, token, value, seconds)
  local state = known[name]
  if not state or state.token ~= token then return false end
  state.value, state.saved_at, state.expires = value, now(), now() + seconds
  return true
end

return states
