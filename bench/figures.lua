--- Prints the figures of benchmarks, and writes them to the file $BENCH_ROWS for the report (bench/report.lua), a
--- JSON object per line.

local cjson = require "cjson"

local figures = { failed = false }

function figures.median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

local median = figures.median

-- The interquartile range of a sorted list, in percent of its median.
local function spread(list)
  local quarter, middle = math.floor(#list / 4), median(list)
  return middle == 0 and 0 or (list[#list - quarter] - list[1 + quarter]) / middle * 100
end

--- The median, and the interquartile range in percent of it.
function figures.shown(list, format)
  local middle = median(list)
  return (format .. " (spread %.0f %%)"):format(middle, spread(list))
end

--- "met" or "MISSED"; records whether any bar was missed.
function figures.mark(good)
  figures.failed = figures.failed or not good
  return good and "" or "  MISSED"
end

local function give(row)
  local path = os.getenv "BENCH_ROWS"
  if not path then return end
  local file = assert(io.open(path, "ab"))
  file:write(cjson.encode(row), "\n")
  file:close()
end

-- A number, or the median of a list of them.
local function number_of(value)
  return type(value) == "table" and median(value) or value
end

--- Formats a number, such as "2.31 ×", with three significant digits, and without decimals if it has more digits.
---@param value number
---@param unit string
---@return string
function figures.written(value, unit)
  local digits = math.abs(value) >= 100 and 0 or math.abs(value) >= 10 and 1 or 2
  return (("%." .. digits .. "f %s"):format(value, unit):gsub(" $", ""))
end

local written = figures.written

--- A row of the table. All figures are numbers, or lists of a number per round, of which the median counts.
---@class apivideo.bench.Row
---@field what string what is measured: "event.parse, LuaJIT"
---@field beside string|nil the peer in the comparison: "cjson.decode"
---@field unit string of ours and theirs: "ns"
---@field ours number|number[]
---@field theirs number|number[]|nil
---@field share number|number[]|nil the ratio of both, to which the bar applies; without it, the bar applies to ours
---@field of string|nil the unit of the share: "×", "%"
---@field bar number|nil
---@field at_most boolean|nil whether the bar is a maximum; default: a minimum
---@field note string|nil an explanation

--- Prints a row, and writes it for the report.
---@param row apivideo.bench.Row
function figures.row(row)
  local value, unit = row.share or row.ours, row.share and row.of or row.unit
  local figure = number_of(value)
  local met
  if row.bar then met = row.at_most and figure <= row.bar or not row.at_most and figure >= row.bar end
  local ours, theirs = written(number_of(row.ours), row.unit), row.theirs and written(number_of(row.theirs), row.unit)
  local bar = row.bar and ("%s %s"):format(row.at_most and "≤" or "≥", written(row.bar, unit))
  local apart = type(value) == "table" and spread(value) or nil
  print(("%-44s %12s%s%s%s%s"):format(row.what, ours,
    theirs and ("   %s %s"):format(row.beside, theirs) or "",
    row.share and "   " .. written(figure, unit) or "",
    apart and (" (spread %.0f %%)"):format(apart) or "",
    bar and (" (bar %s)%s"):format(bar, figures.mark(met)) or ""))
  give { what = row.what, beside = row.beside, ours = ours, theirs = theirs, figure = figure, unit = unit,
    spread = apart, bar = row.bar, at_most = row.at_most, met = met, note = row.note }
end

--- Records that a row is missing, because its peer is not installed.
---@param what string
---@param beside string
---@param why string the reason, or what to install
function figures.absent(what, beside, why)
  print(("%-44s beside %s: skipped: %s"):format(what, beside, why))
  give { what = what, beside = beside, absent = why }
end

--- A curve of cost by amount of work.
---@class apivideo.bench.Series
---@field what string "receiving, by bytes of the body"
---@field x string the amount of work, with its unit
---@field y string the cost, with its unit
---@field points number[][] {{x, y}, …}

--- Prints a series, and writes it for the report.
---@param series apivideo.bench.Series
function figures.series(series)
  print(series.what .. ", " .. series.y .. ":")
  for _, point in ipairs(series.points) do print(("  %12g %s  %g"):format(point[1], series.x, point[2])) end
  give { series = series }
end

return figures
