--- The qualities of a video: HLS in each from the lowest to the source's, and one MP4 in the source's.
--- https://docs.api.video/delivery-analytics/create-and-manage-webhooks

local QUALITIES = require("apivideo.util.conditions").QUALITIES
local SIZES = { -- width and height
  ["240p"] = { 426, 240 }, ["360p"] = { 640, 360 }, ["480p"] = { 854, 480 }, ["720p"] = { 1280, 720 },
  ["1080p"] = { 1920, 1080 }, ["2160p"] = { 3840, 2160 },
}

local qualities = {}

---@class apivideo.emulator.Quality
---@field type "hls"|"mp4"
---@field quality string such as "720p"

--- What is wrong with the quality of a source, for a message; nil for a known one.
---@param name string
---@return string?
function qualities.problem(name)
  if SIZES[name] then return nil end
  return ('must be one of %s, got "%s"'):format(table.concat(QUALITIES, ", "), name)
end

--- The size of a quality.
---@param name string
---@return integer width
---@return integer height
function qualities.size(name)
  return SIZES[name][1], SIZES[name][2]
end

--- The qualities of a video.
---@param source string the quality of its source
---@param has_mp4 boolean
---@return apivideo.emulator.Quality[]
function qualities.of(source, has_mp4)
  local list = {}
  for _, name in ipairs(QUALITIES) do
    list[#list + 1] = { type = "hls", quality = name }
    if name == source then break end
  end
  if has_mp4 then list[#list + 1] = { type = "mp4", quality = source } end
  return list
end

--- Whether each word of a text, such as "hls 360p", "mp4" or "1080p", is an encoding or a quality.
---@param text string
---@return boolean
function qualities.is_valid_selection(text)
  local count = 0
  for word in text:gmatch "%S+" do
    count = count + 1
    if not SIZES[word] and word ~= "hls" and word ~= "mp4" then return false end
  end
  return count > 0
end

--- Whether a quality is one of those that a list of such texts selects.
---@param selections string[]
---@param quality apivideo.emulator.Quality
---@return boolean
function qualities.is_selected(selections, quality)
  for _, text in ipairs(selections) do
    local matches = true
    for word in text:gmatch "%S+" do matches = matches and (word == quality.type or word == quality.quality) end
    if matches then return true end
  end
  return false
end

return qualities
