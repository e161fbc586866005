--- Collects the rows of the benchmarks, a JSON object per line, by what they measure. Equal rows are several runs.

local cjson = require "cjson"
local figures = require "bench.figures"

local rows = {}

---@class apivideo.bench.Run
---@field ours string
---@field theirs string|nil
---@field figure number

---@class apivideo.bench.Measured
---@field what string
---@field beside string|nil
---@field unit string of its figures
---@field bar number|nil
---@field at_most boolean|nil
---@field missed boolean in any run
---@field note string|nil of the last run
---@field against string|nil what stands against the bar, of the last run that missed it
---@field runs apivideo.bench.Run[]

---@class apivideo.bench.Absent
---@field what string
---@field beside string
---@field why string

---@class apivideo.bench.Curve
---@field what string
---@field x string
---@field y string
---@field runs number[][][] the points of each run

---@class apivideo.bench.Report
---@field rows apivideo.bench.Measured[]
---@field absent apivideo.bench.Absent[]
---@field curves apivideo.bench.Curve[]

-- The item with a name in a list; creates it if it does not exist.
local function item_of(list, names, name, new)
  if not names[name] then
    names[name] = new
    list[#list + 1] = new
  end
  return names[name]
end

local function add_row(report, names, record)
  local row = item_of(report.rows, names, "row " .. record.what .. "\n" .. (record.beside or ""),
    { what = record.what, beside = record.beside, missed = false, runs = {} })
  row.unit, row.bar, row.at_most = record.unit, record.bar, record.at_most
  row.note, row.against = record.note or row.note, record.against or row.against
  row.missed = row.missed or record.met == false
  table.insert(row.runs, { ours = record.ours, theirs = record.theirs, figure = record.figure })
end

local function add_curve(report, names, series)
  local curve = item_of(report.curves, names, "curve " .. series.what,
    { what = series.what, x = series.x, y = series.y, runs = {} })
  table.insert(curve.runs, series.points)
end

local function add_absent(report, names, record)
  item_of(report.absent, names, "absent " .. record.what .. "\n" .. record.beside,
    { what = record.what, beside = record.beside, why = record.absent })
end

--- Collects the rows.
---@param lines fun(): string|nil an iterator
---@return apivideo.bench.Report
function rows.gather(lines)
  local report, names = { rows = {}, absent = {}, curves = {} }, {}
  for line in lines do
    local record = cjson.decode(line)
    local add = record.series and add_curve or record.absent and add_absent or add_row
    add(report, names, record.series or record)
  end
  return report
end

--- The median run of a row.
---@param row apivideo.bench.Measured
---@return apivideo.bench.Run
function rows.middle(row)
  local runs = {}
  for i, run in ipairs(row.runs) do runs[i] = run end
  table.sort(runs, function(a, b) return a.figure < b.figure end)
  return runs[math.ceil(#runs / 2)]
end

--- "2.31 · 2.29 · 2.33 ×"
---@param row apivideo.bench.Measured
---@return string
function rows.figures_of(row)
  local written = {}
  for i, run in ipairs(row.runs) do written[i] = figures.written(run.figure, i == #row.runs and row.unit or "") end
  return table.concat(written, " · ")
end

--- "≥ 2.20 ×", or nil for a row without a bar.
---@param row apivideo.bench.Measured
---@return string|nil
function rows.bar_of(row)
  return row.bar and (row.at_most and "≤ " or "≥ ") .. figures.written(row.bar, row.unit)
end

--- "event.parse, LuaJIT beside cjson.decode"
---@param row apivideo.bench.Measured|apivideo.bench.Absent
---@return string
function rows.name_of(row)
  return row.what .. (row.beside and " beside " .. row.beside or "")
end

--- The rows that missed their bar in a run without an explanation.
---@param report apivideo.bench.Report
---@return apivideo.bench.Measured[]
function rows.unexplained(report)
  local list = {}
  for _, row in ipairs(report.rows) do
    if row.missed and not row.against then list[#list + 1] = row end
  end
  return list
end

return rows
