--- The status of a video as the commands print it.

local columns = require "apivideo.cli.columns"
local conditions = require "apivideo.util.conditions"
local output = require "apivideo.cli.output"
local tables = require "apivideo.util.tables"

local shown = {}

local function table_of(value)
  return type(value) == "table" and value or {}
end

-- The qualities: { encoding, quality, status }, in lower case; "-" for what is missing.
local function qualities_of(status)
  local list = {}
  for _, item in ipairs(table_of(table_of(status.encoding).qualities)) do
    local row = {}
    for i, name in ipairs { "type", "quality", "status" } do
      local word = conditions.word(table_of(item)[name])
      row[i] = word ~= "" and word or "-"
    end
    list[#list + 1] = row
  end
  return list
end

local function ingest_of(status)
  local word = conditions.word(table_of(status.ingest).status)
  return word ~= "" and word or "-"
end

--- The failed qualities: `hls 720p, mp4 720p`; nil without one.
---@param status apivideo.VideoStatus
---@return string?
function shown.failed(status)
  local names = {}
  for _, row in ipairs(qualities_of(status)) do
    if row[3] == "failed" then names[#names + 1] = row[1] .. " " .. row[2] end
  end
  return #names > 0 and output.plain(table.concat(names, ", ")) or nil
end

--- The status in one line: `ingested; hls 240p encoded, 360p encoding; mp4 720p waiting`.
---@param status apivideo.VideoStatus
---@return string
function shown.line(status)
  local text, before = "ingest " .. ingest_of(status), nil
  for _, row in ipairs(qualities_of(status)) do
    text = text .. (row[1] == before and ", " or "; " .. row[1] .. " ") .. row[2] .. " " .. row[3]
    before = row[1]
  end
  return output.plain(text)
end

--- Prints the status, a line for each quality.
---@param out apivideo.cli.Output
---@param id string
---@param status apivideo.VideoStatus
function shown.print(out, id, status)
  local is_playable = table_of(status.encoding).playable == true
  local rows = { { "ingest", ingest_of(status) } }
  for _, row in ipairs(qualities_of(status)) do rows[#rows + 1] = { row[1] .. " " .. row[2], row[3] } end
  out:print(tables.merge({ videoId = id }, status),
    ("%s  %s\n%s"):format(id, is_playable and out:paint("green", "playable") or "not playable", columns.lines(rows)))
end

return shown
