--- The states of a video for which an application waits, by its status (`videos:status`): "playable", "mp4" (an MP4 is
--- encoded), an HLS quality such as "720p", "all" (every listed quality is encoded or failed), or a function.
--- Conditions are compared without case, as the values of a status.
--- Unknown statuses, types and qualities neither meet a condition nor make it impossible: api.video adds new ones
--- without notice. https://docs.api.video/reference/api/Videos

local ascii = require "apivideo.util.ascii"
local excerpt = require "apivideo.util.excerpt"

local SHOWN_MAX = 20 -- qualities in a message

---@alias apivideo.Condition string|fun(status: apivideo.VideoStatus): any "playable", "mp4", "all", an HLS quality such as "720p"; or whether a status is the wanted one

local conditions = {}

--- The qualities that api.video documents. https://docs.api.video/delivery-analytics/create-and-manage-webhooks
conditions.QUALITIES = { "240p", "360p", "480p", "720p", "1080p", "2160p" }

local NAMED = { playable = true, mp4 = true, all = true }

local function table_of(value)
  return type(value) == "table" and value or {}
end

--- The form of an encoding, a quality or a status for comparison: in lower case, since api.video's texts write HLS and
--- MP4, its JSON hls and mp4.
---@param value any
---@return string
function conditions.word(value)
  return type(value) == "string" and ascii.lower(value) or ""
end

local word = conditions.word

--- Whether a condition is about a quality. One without an encoding is HLS, as in api.video's example.
---@param condition string normal
---@param encoding string in lower case
---@param quality string in lower case
---@return boolean
function conditions.needs(condition, encoding, quality)
  if condition == "playable" or condition == "all" then return true end
  if condition == "mp4" then return encoding == "mp4" end
  return encoding ~= "mp4" and quality == condition
end

-- The qualities of a status that a condition needs.
local function needed(condition, status)
  local list = {}
  for _, item in ipairs(table_of(table_of(status.encoding).qualities)) do
    local quality = { type = word(table_of(item).type), name = word(table_of(item).quality),
      status = word(table_of(item).status) }
    if conditions.needs(condition, quality.type, quality.name) then list[#list + 1] = quality end
  end
  return list
end

local function count(qualities, status)
  local number = 0
  for _, quality in ipairs(qualities) do
    if quality.status == status then number = number + 1 end
  end
  return number
end

-- Whether api.video is still receiving the source: then the list of qualities may be incomplete.
local function is_ingesting(status)
  local ingest = word(table_of(status.ingest).status)
  return ingest == "uploading" or ingest == "ingesting"
end

--- The form of a condition that the other functions take: a name in lower case.
---@param condition any
---@return any
function conditions.normal(condition)
  return type(condition) == "string" and ascii.lower(condition) or condition
end

--- Whether a condition is not a quality, or one that api.video documents.
---@param condition apivideo.Condition normal
---@return boolean
function conditions.is_documented(condition)
  if type(condition) == "function" or NAMED[condition] then return true end
  for _, quality in ipairs(conditions.QUALITIES) do
    if condition == quality then return true end
  end
  return false
end

--- What is wrong with a normal condition, for a message; or nil.
---@param condition any
---@param is_name? boolean whether it must be a name
---@return string?
function conditions.problem(condition, is_name)
  local is_known = NAMED[condition] or type(condition) == "string" and condition:find "^%d+p$"
    or not is_name and type(condition) == "function"
  if is_known then return nil end
  return ('condition must be "playable", "mp4", "all"%s, got %s'):format(
    is_name and ' or a quality such as "720p"' or ', a quality such as "720p", or a function of the status',
    type(condition) == "string" and '"' .. condition .. '"' or type(condition))
end

--- Whether a status meets a condition.
---@param condition apivideo.Condition
---@param status apivideo.VideoStatus
---@return boolean
function conditions.is_met(condition, status)
  if type(condition) == "function" then return condition(status) and true or false end
  if condition == "playable" then return table_of(status.encoding).playable == true end
  local qualities = needed(condition, status)
  if condition ~= "all" then return count(qualities, "encoded") > 0 end
  return #qualities > 0 and not is_ingesting(status)
    and count(qualities, "encoded") + count(qualities, "failed") == #qualities
end

--- Whether a condition can no longer be met: the qualities that it needs have failed. A function's never is, and "all"
--- is met by failed qualities.
---@param condition apivideo.Condition
---@param status apivideo.VideoStatus
---@return boolean
function conditions.is_impossible(condition, status)
  if type(condition) == "function" or condition == "all" or conditions.is_met(condition, status) then return false end
  local qualities = needed(condition, status)
  return #qualities > 0 and not is_ingesting(status) and count(qualities, "failed") == #qualities
end

-- The first qualities of a list, each with its encoding, name and status in a format.
local function describe(format, qualities)
  local parts, shown = {}, math.min(#qualities, SHOWN_MAX)
  for i = 1, shown do
    local quality = qualities[i]
    parts[i] = excerpt(format:format(quality.type, quality.name, quality.status))
  end
  local text = table.concat(parts, ", ")
  return #qualities > shown and ("%s and %d others"):format(text, #qualities - shown) or text
end

--- What a condition still lacks, for a message.
---@param condition apivideo.Condition
---@param status apivideo.VideoStatus
---@return string
function conditions.progress(condition, status)
  local all = needed("all", status)
  local qualities = type(condition) == "function" and all or needed(condition, status)
  local lacking, text = {}, nil
  for _, quality in ipairs(qualities) do
    if quality.status ~= "encoded" then lacking[#lacking + 1] = quality end
  end
  if #all == 0 then
    text = "its status lists no quality yet"
  elseif #qualities == 0 then
    text = "its status lists no such quality, only " .. describe("%s %s (%s)", all)
  elseif #lacking > 0 then
    text = describe("%s %s is %s", lacking)
  end
  local lacks_source = is_ingesting(status) and "its ingest is " .. word(table_of(status.ingest).status)
  if not text then return lacks_source or "its qualities are encoded: " .. describe("%s %s", all) end
  return text .. (lacks_source and ", and " .. lacks_source or "")
end

return conditions
