--- What an event is about, for people: the id of its video or live stream, and the other fields that identify it.

local SUBJECTS = { "videoId", "liveStreamId" }

-- The name of the field with the id of what an event is about, or nil.
local function subject_field(event)
  for _, name in ipairs(SUBJECTS) do
    if event[name] ~= nil then return name end
  end
end

local function text_of(event, field)
  return field and type(event[field]) == "string" and event[field] or nil
end

---@param event apivideo.Event
---@param catalogue apivideo.Catalogue
---@return string? subject the id of the video; without one, of the live stream
---@return string? detail the other fields that identify the event, such as `mp4 720p`
return function(event, catalogue)
  local field, others = subject_field(event), {}
  local schema = type(event.type) == "string" and catalogue.types[event.type]
  for _, name in ipairs(schema and schema.identity or {}) do
    if name ~= field then others[#others + 1] = text_of(event, name) end
  end
  return text_of(event, field), #others > 0 and table.concat(others, " ") or nil
end
