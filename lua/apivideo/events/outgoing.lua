--- A delivery as api.video sends it: the bytes of an event, and the headers of the request. Tests send these.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local date = require "apivideo.util.date"
local json = require "apivideo.util.json"
local runtime = require "apivideo.runtime"
local signature = require("apivideo.core").signature
local tables = require "apivideo.util.tables"

local outgoing = {}

--- The webhook id of a delivery that no webhook of an account causes.
outgoing.WEBHOOK_ID = "webhook_0000000000000000000000"

--- Encodes the fields of an event in the order of the documentation. Raises an error if one cannot be encoded.
---@param fields table<string, any>
---@param catalogue apivideo.Catalogue
---@return string raw
function outgoing.encode_fields(fields, catalogue)
  local known = catalogue.types[fields.type]
  local names, rank = {}, { type = 1, emittedAt = 2 }
  for i, name in ipairs(known and known.required or {}) do rank[name] = rank[name] or 2 + i end
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    local ra, rb = rank[a] or 1000, rank[b] or 1000
    if ra ~= rb then return ra < rb end
    return a < b
  end)
  for i, name in ipairs(names) do
    names[i] = json.encode(name) .. ":" .. assert(json.encode(fields[name]))
  end
  return "{" .. table.concat(names, ",") .. "}"
end

--- Encodes an event as `encode_fields` does.
---@param event apivideo.Event default of emittedAt: now
---@param catalogue apivideo.Catalogue
---@return string raw
function outgoing.encode(event, catalogue)
  return outgoing.encode_fields(tables.merge({ emittedAt = date(runtime.now()) }, event), catalogue)
end

--- The headers of a delivery.
---@param raw string the body
---@param webhook_id? string
---@param secret? string without one, the delivery is not signed
---@return table<string, string>
function outgoing.headers(raw, webhook_id, secret)
  return {
    ["Content-Type"] = "application/json",
    ["X-Api-Video-WebhookID"] = webhook_id,
    ["X-Api-Video-Signature"] = secret and signature.sign(raw, secret) or nil,
  }
end

return outgoing
