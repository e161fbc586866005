--- The option `freshness` of a receiver: the age of an event, by its `emittedAt`. That is a part of the signed body, so
--- a sender that repeats an old delivery cannot change it. An event without a readable date is accepted and marked,
--- because api.video has sent such dates.

local errors = require "apivideo.error"
local excerpt = require "apivideo.util.excerpt"
local timestamp = require("apivideo.core").timestamp

local ORIGIN = { origin = "receiver" } -- of errors

local freshness = {}

--- Checks the age of a delivery's event, and marks the delivery: `stale` if its age is above the limit and the action is
--- to flag it, `undated` if it has no readable date.
---@param options apivideo.FreshnessOptions
---@param delivery apivideo.Delivery with an event
---@return true? is_accepted
---@return apivideo.Error? err
function freshness.check(options, delivery)
  local seconds, nanoseconds = timestamp(delivery.event.emittedAt)
  if not seconds then
    delivery.undated = true
    return true
  end
  local age = delivery.received_at - seconds - nanoseconds / 1e9
  if math.abs(age) <= options.max_age then return true end
  if options.action == "flag" then
    delivery.stale = true
    return true
  end
  return nil, errors.new("stale", ("%s is %.0f s %s, and the option \"freshness\" allows %.0f s"):format(
    excerpt(delivery.event.type), math.abs(age), age > 0 and "old" or "in the future", options.max_age),
    ORIGIN)
end

return freshness
