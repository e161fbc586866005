--- The files that `resend` reads. That of `listen --save` has a line of JSON for each delivery, with the body in base64.
--- That of `inbox export` has an entry of an inbox in each line, which has the body, but no headers.

local base64 = require "apivideo.util.base64"
local core = require "apivideo.core"
local date = require "apivideo.util.date"
local json = require "apivideo.util.json"
local json_line = require "apivideo.cli.json_line"
local outgoing = require "apivideo.events.outgoing"
local record_line = require "apivideo.inbox.record"

---@class apivideo.cli.SavedDelivery
---@field time? string when it arrived
---@field at? number the same, in seconds since 1970
---@field target? string the request-target
---@field headers table<string, string|string[]> by name in lower case
---@field body string the bytes
---@field result? "verified"|"unsigned"|"rejected"
---@field status? integer of the response
---@field is_entry? true it is from an inbox, which does not keep the signature
---@field type? string of the event, if the body could be parsed
---@field key? string the deduplication key of the event
---@field error? string why it was rejected

local saved = {}

--- The line of a delivery.
---@param exchange apivideo.cli.listen.Exchange
---@return string
function saved.encode(exchange)
  local outcome, request, headers = exchange.outcome, exchange.request, {}
  for name, value in pairs(request.headers) do headers[name] = value end
  local delivery, err = outcome.delivery, outcome.err
  return json_line.encode {
    time = date(exchange.at), target = request.target, headers = headers, body = core.base64(request.body),
    result = exchange.result, status = exchange.status, seconds = outcome.seconds,
    type = outcome.event and outcome.event.type, key = delivery and delivery.key,
    webhookId = delivery and delivery.webhook_id, kind = err and err.kind, error = err and err.message,
  }
end

local function is_header(name, value)
  if type(name) ~= "string" then return false end
  for _, item in ipairs(type(value) == "table" and value or { value }) do
    if type(item) ~= "string" then return false end
  end
  return type(value) == "string" or type(value) == "table"
end

-- The delivery of an entry of an inbox, as api.video sends it, without the signature. An event that did not come, but
-- was found by reading the account, has no webhook.
local function delivery_of(entry)
  local headers = {}
  for name, value in pairs(outgoing.headers(entry.raw, entry.webhook_id or outgoing.WEBHOOK_ID)) do
    headers[name:lower()] = value
  end
  return { headers = headers, body = entry.raw, type = entry.type, key = entry.key, at = entry.received_at,
    is_entry = true }
end

--- Reads a line.
---@param line string
---@return apivideo.cli.SavedDelivery|nil delivery nil if it is not the line of a delivery
function saved.decode(line)
  local entry = record_line.decode(line)
  if entry then return delivery_of(entry) end
  local record = json.decode(line)
  if type(record) ~= "table" or type(record.headers) ~= "table" or type(record.body) ~= "string" then return nil end
  record.at = type(record.time) == "string" and core.timestamp(record.time) or nil
  record.body = base64.decode(record.body)
  if not record.body then return nil end
  for name, value in pairs(record.headers) do
    if not is_header(name, value) then return nil end
  end
  return record
end

return saved
