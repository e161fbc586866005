--- What identifies an event in the log.

local IDS = { "videoId", "liveStreamId", "captionId", "summaryId" }

-- Appends a field, if there is a value. A handler may have changed the event or the delivery.
local function append(fields, name, value)
  if type(value) ~= "string" and not (type(value) == "number" and value % 1 == 0) then return end
  fields[#fields + 1], fields[#fields + 2] = name, value
end

--- The fields of a line about an event.
---@param event? apivideo.Event
---@param delivery? apivideo.Delivery|apivideo.StoredItem
---@param entry_id? integer in the inbox
---@return apivideo.LogFields
return function(event, delivery, entry_id)
  local fields = {}
  if event then
    append(fields, "type", event.type)
    for _, name in ipairs(IDS) do append(fields, name, event[name]) end
  end
  if delivery then
    append(fields, "key", delivery.key)
    append(fields, "webhook_id", delivery.webhook_id)
    append(fields, "attempt", delivery.attempt)
  end
  append(fields, "entry_id", entry_id)
  return fields
end
