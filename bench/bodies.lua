--- Bodies of deliveries of any size.

local apivideo = require "apivideo"
local cjson = require "cjson"

local bodies = {}

--- An event with additional members, encoded.
---@param more table
---@return string
function bodies.encode(more)
  local event = apivideo.events:sample "video.source.recorded"
  for name, value in pairs(more) do event[name] = value end
  return cjson.encode(event)
end

--- An event of about this size: a list of short texts.
---@param bytes integer
---@return string
function bodies.of_bytes(bytes)
  local texts, length = {}, #bodies.encode { texts = { "" } }
  if bytes < length then return bodies.encode {} end
  while length + 24 <= bytes do
    texts[#texts + 1] = ("text %016d"):format(#texts)
    length = length + 24
  end
  return bodies.encode { texts = texts }
end

local function members(first, last)
  local found = {}
  for i = first, last do found[("member%04d"):format(i)] = i end
  return found
end

---@param count integer of additional members
---@return string
function bodies.of_members(count)
  return bodies.encode(members(1, count))
end

--- An event with additional members in a list of objects.
---@param count integer of additional members
---@param size integer of an object
---@return string
function bodies.of_objects(count, size)
  local objects = {}
  for first = 1, count, size do objects[#objects + 1] = members(first, math.min(count, first + size - 1)) end
  return bodies.encode { objects = objects }
end

return bodies
