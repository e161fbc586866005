--- What all benches do with their figures: print them, and give them to the report.
--- The report (bench/report.lua) reads them from the file that $BENCH_ROWS names, a JSON object for each line.

local cjson = require "cjson"

local figures = { failed = false }

function figures.median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

local median = figures.median

-- How far the middle half of a sorted list lies apart, in percent of its median.
local function spread(list)
  local quarter, middle = math.floor(#list / 4), median(list)
  return middle == 0 and 0 or (list[#list - quarter] - list[1 + quarter]) / middle * 100
end

--- The median, and how far the middle half lies apart, in percent of it.
function figures.shown(list, format)
  local middle = median(list)
  return (format .. " (spread %.0f %%)"):format(middle, spread(list))
end

--- What to write behind a figure; remembers whether any was missed.
function figures.verdict(good)
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

--- "2.31 ×": written with three digits, and none behind the point where there are more before it.
---@param value number
---@param unit string
---@return string
function figures.written(value, unit)
  local digits = math.abs(value) >= 100 and 0 or math.abs(value) >= 10 and 1 or 2
  return (("%." .. digits .. "f %s"):format(value, unit):gsub(" $", ""))
end

local written = figures.written

--- A row of the table. All figures are numbers, or lists of numbers, round by round, whose median counts.
---@class apivideo.bench.Row
---@field what string what is measured: "event.parse, LuaJIT"
---@field beside string|nil beside what: "cjson.decode"
---@field unit string of ours and theirs: "ns"
---@field ours number|number[]
---@field theirs number|number[]|nil
---@field share number|number[]|nil how the two compare: the figure that has a bar. Without it, ours has.
---@field of string|nil the unit of the share: "×", "%"
---@field bar number|nil
---@field at_most boolean|nil whether the bar is the most that is good, not the least
---@field note string|nil why it is as it is

--- Prints a row, and gives it to the report.
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
    bar and (" (bar %s)%s"):format(bar, figures.verdict(met)) or ""))
  give { what = row.what, beside = row.beside, ours = ours, theirs = theirs, figure = figure, unit = unit,
    spread = apart, bar = row.bar, at_most = row.at_most, met = met, note = row.note }
end

--- Says that a row is left out, and why: its peer is not there.
---@param what string
---@param beside string
---@param why string what to do to have it
function figures.absent(what, beside, why)
  print(("%-44s beside %s: left out: %s"):format(what, beside, why))
  give { what = what, beside = beside, absent = why }
end

--- A line of a plot of cost as work grows.
---@class apivideo.bench.Series
---@field what string "receiving, by bytes of the body"
---@field x string what grows, with its unit
---@field y string what it costs, with its unit
---@field points number[][] {{x, y}, …}

--- Prints a series, and gives it to the report.
---@param series apivideo.bench.Series
function figures.series(series)
  print(series.what .. ", " .. series.y .. ":")
  for _, point in ipairs(series.points) do print(("  %12g %s  %g"):format(point[1], series.x, point[2])) end
  give { series = series }
end

return figures
