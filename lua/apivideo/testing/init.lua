--- For tests of an application that receives events. Needs no server: the tests pass deliveries to the receiver.

local checks = require "apivideo.util.checks"
local clock = require "apivideo.testing.clock"
local drain = require "apivideo.testing.drain"
local derived = require "apivideo.events.derived"
local events = require "apivideo.events"
local outgoing = require "apivideo.events.outgoing"
local spelling = require "apivideo.util.spelling"
local store = require "apivideo.testing.store"
local tables = require "apivideo.util.tables"
local unknown = require "apivideo.events.unknown"

local testing = {
  --- The clock of this library, which a test moves forward instead of waiting.
  ---@type apivideo.TestClock
  clock = clock,

  --- A store of an inbox, in memory, which fails on demand.
  store = store,

  --- Handles the events of an inbox that are ready, and returns.
  drain = drain,
}

-- What is wrong with a type and the fields for it, or nil.
local function type_problem(name, fields)
  local own_type = fields and fields.type
  if own_type ~= nil and own_type ~= name then
    return ("field \"type\" is \"%s\", but the type is \"%s\"; pass the same, or leave the field out")
      :format(tostring(own_type), name)
  end
  if derived.is(name) then return derived.refusal(name) .. "; call handlers:dispatch with an event of the type" end
  if own_type ~= nil or events.types[name] then return nil end
  local near = spelling.nearest(name, events:names())
  return ("no event type is \"%s\" (%s); for a type that this library does not know, pass the whole event as fields:"
    .. " { type = \"%s\", … }"):format(name, near and "did you mean \"" .. near .. "\"?"
    or "known: " .. table.concat(events:names(), ", "), name)
end

---@class apivideo.TestDelivery
---@field method "POST"
---@field headers table<string, string> Content-Type, X-Api-Video-WebhookID and X-Api-Video-Signature
---@field body string the event as JSON

--- Builds a delivery, for `receiver:receive` or for an HTTP client. The event is the catalogue's sample of the type,
--- emitted now. https://docs.api.video/delivery-analytics/create-and-manage-webhooks
---@param type string the event type; one that is not in the catalogue needs `fields` with the whole event
---@param fields? table fields of the event, which replace those of the sample; `apivideo.null` is null. The log has a warning about one that the type does not have
---@param secret? string the secret to sign with; without one, the delivery is not signed
---@return apivideo.TestDelivery
function testing.delivery(type, fields, secret)
  checks.dot("testing.delivery", type, 2)
  checks.value("testing.delivery: type", type, "string", 2)
  checks.value("testing.delivery: fields", fields, "table?", 2)
  checks.value("testing.delivery: secret", secret, "string?", 2)
  local problem = type_problem(type, fields)
  if problem then error("testing.delivery: " .. problem, 2) end
  for field in pairs(events.types[type] and fields or {}) do
    unknown.warn_field("testing.delivery", tostring(field), type, events.types[type])
  end
  local sample = events:sample(type) or { type = type }
  sample.emittedAt = nil -- the default is now
  local ok, raw = pcall(outgoing.encode, tables.merge(sample, fields), events)
  if not ok then error("testing.delivery: the event cannot be written as JSON: " .. tostring(raw), 2) end
  return { method = "POST", headers = outgoing.headers(raw, outgoing.WEBHOOK_ID, secret), body = raw }
end

return testing
