--- The deliveries of derived events, and their dispatch where there is no inbox: each event at most once in this process.

local outgoing = require "apivideo.events.outgoing"
local recent = require "apivideo.events.recent"
local runtime = require "apivideo.runtime"

local MAX_KEYS = 10000 -- events that are remembered
-- After this time, another delivery may dispatch an event: the task that did may have been ended.
local DISPATCH_MAX_S = 60

local derived_delivery = {}

--- Creates the delivery of a derived event.
---@param events apivideo.Catalogue
---@param event apivideo.Event
---@param cause? apivideo.Delivery
---@return apivideo.Delivery
function derived_delivery.new(events, event, cause)
  cause = cause or {}
  local raw = outgoing.encode(event, events)
  local complete = events:_parse_entry { raw = raw, origin = "derived" } or event
  return {
    event = complete, raw = raw, key = events:key(complete, raw), origin = "derived", received_at = runtime.now(),
    verified = cause.verified or false, webhook_id = cause.webhook_id,
  }
end

---@class apivideo.events.DerivedDispatch
---@field private _handlers apivideo.Handlers
---@field private _states apivideo.events.Recent key -> true; or, while its handlers run, { ends, ended }: until when that counts, and a latch
local DerivedDispatch = {}
DerivedDispatch.__index = DerivedDispatch
DerivedDispatch.__name = "apivideo.events.DerivedDispatch"

-- Whether an event was dispatched with success. While another task dispatches it, waits: the cause must not succeed
-- before, since nothing would dispatch the event again if that task fails.
local function is_done(self, key)
  while true do
    local state = self._states:get(key)
    if not state or state == true then return state == true end
    local seconds = state.ends - runtime.monotonic()
    if seconds <= 0 then return false end
    state.ended:wait(seconds)
  end
end

-- Dispatches one event, unless that was done: the results of dispatch.
local function dispatch_one(self, event, cause)
  local delivery = derived_delivery.new(self._handlers.events, event, cause)
  local key = delivery.key
  if is_done(self, key) then return 0 end
  delivery.video = cause and cause.video
  local state = { ends = runtime.monotonic() + DISPATCH_MAX_S, ended = runtime.latch() }
  self._states:set(key, state)
  local count, errs, tracebacks = self._handlers:dispatch(delivery.event, delivery)
  if count then
    self._states:set(key, true)
  elseif self._states:get(key) == state then
    self._states:remove(key)
  end
  state.ended:open()
  return count, errs, tracebacks
end

--- Dispatches events that have not been dispatched in this process, or whose handlers failed then.
---@param list apivideo.Event[]
---@param cause? apivideo.Delivery
---@return any[]|nil errors of handlers that failed
---@return table<integer, string>? tracebacks
function DerivedDispatch:run(list, cause)
  local all, all_tracebacks = {}, {}
  for _, event in ipairs(list) do
    local _, errs, tracebacks = dispatch_one(self, event, cause)
    for i, err in ipairs(errs or {}) do
      all[#all + 1] = err
      all_tracebacks[#all] = tracebacks[i]
    end
  end
  if all[1] == nil then return nil end
  return all, all_tracebacks
end

--- Creates a dispatch for handlers.
---@param handlers apivideo.Handlers
---@return apivideo.events.DerivedDispatch
function derived_delivery.dispatch(handlers)
  return setmetatable({ _handlers = handlers, _states = recent.new(MAX_KEYS) }, DerivedDispatch)
end

return derived_delivery
