--- Prints the figures of benchmarks, and writes them to the file $BENCH_ROWS for the report (bench/report.lua), a
--- JSON object per line.

local bars = require "bench.bars"
local cjson = require "cjson"

local figures = { failed = false }

-- A sorted copy of a list.
local function sorted(list)
  local copy = {}
  for i, value in ipairs(list) do copy[i] = value end
  table.sort(copy)
  return copy
end

--- The value at a share of a list, such as 0.99.
---@param list number[]
---@param share number
---@return number
function figures.quantile(list, share)
  return sorted(list)[math.max(1, math.ceil(#list * share))]
end

---@param list number[]
---@return number
function figures.median(list)
  return figures.quantile(list, 0.5)
end

local median = figures.median

-- The interquartile range of a list, in percent of its median.
local function spread(list)
  local values = sorted(list)
  local quarter, middle = math.floor(#values / 4), median(values)
  return middle == 0 and 0 or (values[#values - quarter] - values[1 + quarter]) / middle * 100
end

--- The ratios of two lists, round by round, multiplied by `factor`: the speed of a shared machine varies, but little
--- between neighbouring measurements.
---@param list number[]
---@param others number[]
---@param factor? number default 1
---@return number[]
function figures.ratios(list, others, factor)
  local ratios = {}
  for i, value in ipairs(list) do ratios[i] = value / others[i] * (factor or 1) end
  return ratios
end

--- A list in another unit.
---@param list number[]
---@param factor number
---@return number[]
function figures.scaled(list, factor)
  local scaled = {}
  for i, value in ipairs(list) do scaled[i] = value * factor end
  return scaled
end

--- The differences of two lists, round by round.
---@param list number[]
---@param others number[]
---@return number[]
function figures.differences(list, others)
  local differences = {}
  for i, value in ipairs(list) do differences[i] = value - others[i] end
  return differences
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
---@field unit string of ours and theirs: "ns"
---@field ours number|number[]
---@field theirs number|number[]|nil
---@field share number|number[]|nil the figure to which the bar applies; without it, ours
---@field note string|nil more about the figure
---@field against string|nil what stands against the bar, by measurement; shown if the bar is missed

-- Whether a figure meets a bar; nil without a bar.
local function is_met(bar, figure)
  if bar.at_most then return figure <= bar.at_most end
  if bar.at_least then return figure >= bar.at_least end
end

local function print_row(row)
  local bar = row.bar and ("%s %s"):format(row.at_most and "≤" or "≥", written(row.bar, row.unit))
  print(("%-44s %12s%s%s%s%s"):format(row.what, row.ours,
    row.theirs and ("   %s %s"):format(row.beside, row.theirs) or "",
    row.has_share and "   " .. written(row.figure, row.unit) or "",
    row.spread and (" (spread %.0f %%)"):format(row.spread) or "",
    bar and (" (bar %s)%s"):format(bar, row.met and "" or "  MISSED") or ""))
end

--- Prints a row, and writes it for the report.
---@param name string of its bar in bench/bars.lua
---@param row apivideo.bench.Row
function figures.row(name, row)
  local bar = assert(bars[name], name)
  local value = row.share or row.ours
  local figure = number_of(value)
  local met = is_met(bar, figure)
  local record = { what = row.what, beside = bar.beside, ours = written(number_of(row.ours), row.unit),
    theirs = row.theirs and written(number_of(row.theirs), row.unit), has_share = row.share ~= nil, figure = figure,
    unit = bar.of, spread = type(value) == "table" and spread(value) or nil, bar = bar.at_most or bar.at_least,
    at_most = bar.at_most ~= nil, met = met, note = row.note,
    against = met == false and row.against or nil }
  figures.failed = figures.failed or met == false
  print_row(record)
  give(record)
end

--- Records that a row is missing, because its peer is not installed.
---@param name string of its bar in bench/bars.lua
---@param what string
---@param why string the reason, or what to install
function figures.absent(name, what, why)
  local beside = assert(bars[name], name).beside or "none"
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
