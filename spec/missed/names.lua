--- The name of an event: what happened, to what. Unlike its key, it does not depend on the library.

local FIELDS = { "liveStreamId", "videoId", "encoding", "quality", "condition", "summaryId" }

local names = {}

---@param event apivideo.Event
---@return string
function names.of(event)
  local parts = { event.type }
  for _, field in ipairs(FIELDS) do parts[#parts + 1] = event[field] end
  return table.concat(parts, " ")
end

return names
