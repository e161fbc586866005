--- What a store is given of a delivery.

local event_key = require "apivideo.events.key"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local sign = require("apivideo.core").signature.sign

local ERROR_MAX_BYTES = 1000
local REPLACEMENT = "\255" -- a byte that UTF-8 does not have: what replaces a NUL must not make the bytes an event

---@class apivideo.StoredItem what a store is given
---@field key string the deduplication key
---@field occurrence? string the key without the time at which it was sent
---@field opposite? string the `occurrence` of the opposite event
---@field error? string of signed bytes that cannot be parsed: the store keeps the item as a dead letter with that error
---@field lane? string
---@field raw string
---@field webhookId? string
---@field verified boolean
---@field received_at number
---@field age? number seconds that it has been elsewhere since it came: for the store, it came as long ago

-- The lane of an event, or nil. A function that fails must not cost the event.
local function lane_of(inbox, event)
  if not inbox.lane then return nil end
  local ok, lane = protected.call(inbox.lane, event)
  if ok and (lane == nil or type(lane) == "string") then return lane end
  log.error(("inbox: option \"lane\" must return a string or nil; for an event of type %s it %s"):format(
    event.type, ok and "returned a " .. type(lane) or "failed: " .. failure.message(lane)))
  return nil
end

runtime.forbid_exit(lane_of, "the option \"lane\" of an inbox")

local item = {}

--- Makes the item of a delivery. One whose bytes cannot be parsed has an error, and a key made of its bytes; each NUL,
--- which no store has to keep, is replaced by the byte 255.
---@param inbox apivideo.Inbox
---@param event apivideo.Event|nil
---@param err apivideo.Error|nil why there is no event
---@param received apivideo.Delivery|apivideo.StoredEntry
---@return apivideo.StoredItem
function item.new(inbox, event, err, received)
  local made = {
    raw = received.raw, webhookId = received.webhookId, verified = received.verified or false,
    received_at = received.received_at or runtime.now(),
  }
  if event then
    made.key, made.occurrence, made.opposite = inbox.events:key(event, received.raw)
    made.lane = lane_of(inbox, event)
  else
    made.raw = made.raw:gsub("%z", REPLACEMENT)
    made.key = "unparsed:" .. sign(made.raw, "unparsed")
    made.error = failure.text(err, nil, ERROR_MAX_BYTES)
  end
  return made
end

--- Logs each item that its store dropped as a retry although its `emittedAt` differs: it may have been an event of its
--- own. Such a result becomes false, like that of any other duplicate.
---@param items apivideo.StoredItem[]
---@param results (boolean|"occurrence")[] of the store
---@param window number seconds
---@return boolean[] results the same table
function item.log_dropped(items, results, window)
  for i, result in ipairs(results) do
    if result == "occurrence" then
      results[i] = false
      local key, occurrence = items[i].key, items[i].occurrence
      log.warn(("dropped as a retry: %s of %s came less than %.0f s after an equal event, with no opposite event"
        .. " between them; if it was an event of its own, lower the option \"window\" of the inbox")
        :format(event_key.first_value(occurrence), event_key.first_value(key:sub(#occurrence + 1)), math.ceil(window)))
    end
  end
  return results
end

return item
