--- Draws each figure relative to its bar: a figure that reaches the line has met it.

local figures = require "bench.figures"
local rows = require "bench.report.rows"
local svg = require "bench.report.svg"

local TOP, HEIGHT = 74, 22             -- pixels: above the rows, and of a row
local LEFT, UNIT, UNITS_MAX = 496, 120, 1.9 -- start of the bars, distance of the line, and maximum length in units
local LETTERS = 76                     -- maximum of a label

-- A figure relative to its bar: 1 if it just meets it, 2 if it is twice as good.
local function goodness(row, figure)
  if row.at_most then return figure * UNITS_MAX <= row.bar and UNITS_MAX or row.bar / figure end
  return math.max(0, math.min(UNITS_MAX, figure / row.bar))
end

-- The worst and the best run, relative to the bar.
local function range(row)
  local least, most = math.huge, 0
  for _, run in ipairs(row.runs) do
    local value = goodness(row, run.figure)
    least, most = math.min(least, value), math.max(most, value)
  end
  return least, most
end

local function draw_row(add, row, y)
  local middle = y + HEIGHT / 2
  local length = goodness(row, rows.middle(row).figure) * UNIT
  add(svg.text(LEFT - 10, middle + 4, "right", svg.shortened(rows.name_of(row), LETTERS)))
  add(svg.element("rect", { class = row.missed and "missed" or "met", x = LEFT, y = y + 4, width = length,
    height = HEIGHT - 8, rx = 2 }))
  local least, most = range(row)
  if most > least then add(svg.line(LEFT + least * UNIT, middle, LEFT + most * UNIT, middle, "line")) end
  local figure = figures.written(rows.middle(row).figure, row.unit)
  add(svg.text(LEFT + UNITS_MAX * UNIT + 8, middle + 4, row.missed and "head" or "",
    ("%s%s (%s)"):format(row.missed and "missed: " or "", figure, rows.bar_of(row))))
end

--- Draws the chart.
---@param report apivideo.bench.Report
---@return string
return function(report)
  local elements, y, missed, count = {}, TOP, 0, 0
  local function add(element) elements[#elements + 1] = element end
  for _, row in ipairs(report.rows) do
    if row.bar then
      draw_row(add, row, y)
      y, count, missed = y + HEIGHT, count + 1, missed + (row.missed and 1 or 0)
    end
  end
  local line = LEFT + UNIT
  add(svg.line(line, TOP - 6, line, y + 6, "line"))
  add(svg.text(line, TOP - 12, "middle small", "the bar"))
  add(svg.text(LEFT + UNITS_MAX * UNIT, TOP - 12, "right small", "better →"))
  add(svg.text(16, 28, "title", "apivideo for Lua: each figure relative to its bar"))
  add(svg.text(16, 46, "muted", ("%d of %d meet it in every run; a thin line from the worst run to the best; "
    .. "drawn up to %g × the bar"):format(count - missed, count, UNITS_MAX)))
  return svg.drawing(y + 20, "Figures of apivideo for Lua, each relative to its bar",
    ("%d rows, of which %d miss their bar. The same figures are in results.md."):format(count, missed), elements)
end
