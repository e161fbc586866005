--- Lines with columns that align.

local json = require "apivideo.util.json"
local output = require "apivideo.cli.output"

local GAP = "  "

local columns = {}

--- A value of api.video as a cell: a list as `a, b`; `-` if it is missing.
---@param value any
---@return string
function columns.text(value)
  if value == nil or value == json.null then return "-" end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = columns.text(item) end
  return table.concat(parts, ", ")
end

-- The characters of a text: the bytes that do not continue one in UTF-8.
local function width_of(text)
  return #text:gsub("[\128-\191]", "")
end

--- The widths of the columns of rows.
---@param rows string[][]
---@return integer[]
function columns.widths(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, width_of(cell)) end
  end
  return widths
end

--- One line. The last cell is not padded.
---@param row string[]
---@param widths integer[] a wider cell moves the rest of its line
---@return string without control characters
function columns.line(row, widths)
  local parts = {}
  for i, cell in ipairs(row) do
    parts[i] = i < #row and cell .. (" "):rep((widths[i] or 0) - width_of(cell)) or cell
  end
  return (output.plain(table.concat(parts, GAP)):gsub(" +$", ""))
end

--- Lines of rows, as wide as the widest cells.
---@param rows string[][]
---@return string
function columns.lines(rows)
  local widths, lines = columns.widths(rows), {}
  for i, row in ipairs(rows) do lines[i] = columns.line(row, widths) end
  return table.concat(lines, "\n")
end

return columns
