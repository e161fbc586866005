--- A delivery in the form that a store takes.

local checks = require "apivideo.util.checks"
local derived = require "apivideo.events.derived"
local errors = require "apivideo.error"
local event_key = require "apivideo.events.key"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local log_fields = require "apivideo.events.log_fields"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local sign = require("apivideo.core").signature.sign
local subject_of = require "apivideo.events.subject"

local ERROR_MAX_BYTES = 1000
local REPLACEMENT = "\255" -- for NUL: a byte that is never valid in UTF-8, so that the bytes do not become an event
local RECEIVED_AT_MAX_S = 1e12 -- far in the future
local ORIGINS = { webhook = true, reconcile = true, derived = true }

---@class apivideo.StoredItem a delivery for a store
---@field key string the deduplication key
---@field occurrence? string the key without `emittedAt`
---@field opposite? string the `occurrence` of the opposite event
---@field opposite_age? { min: number, max: number } seconds: the item is put only if the last entry of its `opposite` came so long before it, and no entry of its `occurrence` came after that one
---@field error? string of signed bytes that cannot be parsed: the item is stored as a dead letter with this error
---@field lane? string
---@field raw string
---@field type? string of the event
---@field video_id? string
---@field detail? string the other fields that identify the event, such as `mp4 720p`
---@field webhook_id? string
---@field verified boolean
---@field received_at number
---@field origin? apivideo.Origin default "webhook"
---@field age? number seconds since it was received, if it comes from the spool

-- The lane of an event, or nil. If the function of the option fails, the event is stored without a lane.
local function lane_of(inbox, event, new)
  if not inbox._lane then return nil end
  local ok, lane = protected.call(inbox._lane, event)
  if ok and (lane == nil or type(lane) == "string") then return lane end
  log.error(("inbox: option \"lane\" must return a string or nil; for an event of type %s it %s"):format(
    event.type, ok and "returned a " .. type(lane) or "failed: " .. failure.message(lane)), log_fields(event, new))
  return nil
end

runtime.forbid_exit(lane_of, "the option \"lane\" of an inbox")

local item = {}

--- Raises at the caller of inbox:put for a value that is not a delivery: a store would fail with the whole batch, or
--- could not read the entry again.
---@param delivery any
function item.check(delivery)
  if type(delivery) ~= "table" or type(delivery.raw) ~= "string"
    or type(delivery.event) ~= "table" and not errors.is(delivery.err) then
    error("inbox:put: a delivery expected, with raw and event, or with raw and the err of events:parse", 3)
  elseif delivery.event and delivery.raw:find("\0", 1, true) then
    error("inbox:put: raw is not JSON: it has a NUL byte", 3)
  end
  local received_at = delivery.received_at
  if received_at ~= nil
    and not (type(received_at) == "number" and received_at >= 0 and received_at < RECEIVED_AT_MAX_S) then
    error("inbox:put: received_at must be a number of seconds since 1970, got " .. tostring(received_at), 3)
  end
  checks.value("inbox:put: webhook_id", delivery.webhook_id, "string?", 3)
  checks.value("inbox:put: verified", delivery.verified, "boolean?", 3)
  if delivery.origin ~= nil and not ORIGINS[delivery.origin] then
    error(("inbox:put: origin must be webhook, reconcile or derived, got %s"):format(tostring(delivery.origin)), 3)
  elseif (delivery.origin or "webhook") == "webhook" and delivery.event and derived.is(delivery.event.type) then
    error(("inbox:put: %s; pass its origin, reconcile or derived"):format(derived.refusal(delivery.event.type)), 3)
  end
end

--- Creates the item of a delivery. If its bytes cannot be parsed, it has an error, and its key is a hash of the bytes;
--- each NUL, which stores need not support, is replaced by the byte 255.
---@param inbox apivideo.Inbox
---@param event apivideo.Event|nil
---@param err apivideo.Error|nil why there is no event
---@param received apivideo.Delivery|apivideo.StoredEntry
---@return apivideo.StoredItem
function item.new(inbox, event, err, received)
  local new = {
    raw = received.raw, webhook_id = received.webhook_id, verified = received.verified or false,
    received_at = received.received_at or runtime.now(), origin = received.origin,
  }
  if event then
    new.key, new.occurrence, new.opposite = inbox.events:key(event, received.raw)
    new.type, new.video_id = event.type, type(event.videoId) == "string" and event.videoId or nil
    local _
    _, new.detail = subject_of(event, inbox.events)
    new.lane = lane_of(inbox, event, new)
  else
    new.raw = new.raw:gsub("%z", REPLACEMENT)
    new.key = "unparsed:" .. sign(new.raw, "unparsed")
    new.error = failure.text(err, nil, ERROR_MAX_BYTES)
  end
  return new
end

--- Logs each item that its store dropped as a retry although its `emittedAt` differs: it may have been a different
--- event. Such a result becomes false, like that of any other duplicate.
---@param items apivideo.StoredItem[]
---@param results (boolean|"occurrence")[] of the store
---@param window number seconds
---@return boolean[] results the same table
function item.log_dropped(items, results, window)
  for i, result in ipairs(results) do
    if result == "occurrence" then
      results[i] = false
      local key, occurrence = items[i].key, items[i].occurrence
      local name = event_key.first_value(occurrence)
      log.warn(("dropped as a retry: %s of %s came less than %.0f s after an equal event, with no opposite event"
        .. " between them; if it was a different event, lower the option \"window\" of the inbox")
        :format(name, event_key.first_value(key:sub(#occurrence + 1)), math.ceil(window)),
        log_fields({ type = name }, items[i]))
    end
  end
  return results
end

return item
