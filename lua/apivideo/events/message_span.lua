--- The name and the attributes of a span that processes an event, as OpenTelemetry's conventions for messaging define
--- them. The type of the event is the destination.

local utf8 = require "apivideo.util.utf8"

local SHOWN_MAX_BYTES = 80

local FIELDS = { -- of an event -> attribute
  videoId = "apivideo.video.id", liveStreamId = "apivideo.live_stream.id",
}

-- The beginning of a sender's text. Repaired where it is cut: a collector rejects spans that are not UTF-8.
local function shown(value)
  return type(value) == "string" and utf8.repaired(value:sub(1, SHOWN_MAX_BYTES)) or nil
end

local message_span = {}

--- Describes a span. Its name has the type only if the catalogue has it: a sender without a signature must not create
--- any number of names.
---@param span apivideo.Span
---@param operation "process"|"receive" whether the handlers run in the span
---@param events apivideo.Catalogue
---@param delivery apivideo.Delivery|nil nil before the delivery is known to be valid
function message_span.describe(span, operation, events, delivery)
  local attributes, event = span.attributes, delivery and delivery.event
  attributes["messaging.system"] = "apivideo"
  attributes["messaging.operation.name"] = operation
  if operation == "process" then attributes["messaging.operation.type"] = operation end
  span.name = operation
  if not delivery then return end
  attributes["apivideo.webhook.id"] = delivery.webhook_id
  attributes["messaging.message.id"] = delivery.key
  if not event then return end
  attributes["apivideo.event.type"] = shown(event.type)
  for field, name in pairs(FIELDS) do attributes[name] = shown(event[field]) end
  if events.types[event.type] then
    span.name, attributes["messaging.destination.name"] = operation .. " " .. event.type, event.type
  end
end

return message_span
