--- Plots cost by amount of work: a small plot for each series, with logarithmic axes.

local svg = require "bench.report.svg"

local COLUMNS, TOP = 2, 64
local WIDTH, HEIGHT = svg.WIDTH / COLUMNS, 236 -- of a plot with margins
local LEFT, RIGHT, ABOVE, BELOW = 62, 24, 40, 44

local function log10(value)
  return math.log(value) / math.log(10)
end

-- The decades that contain all values of a curve: of x (1) or y (2).
local function decades(curve, which)
  local low, high = math.huge, -math.huge
  for _, points in ipairs(curve.runs) do
    for _, point in ipairs(points) do
      local value = log10(point[which])
      low, high = math.min(low, value), math.max(high, value)
    end
  end
  low, high = math.floor(low + 1e-9), math.ceil(high - 1e-9)
  return low, math.max(high, low + 1)
end

-- "1,000", "0.01"
local function power_of_ten(exponent)
  if exponent < 0 then return ("%g"):format(10 ^ exponent) end
  local digits = ("%d"):format(10 ^ exponent)
  return (digits:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

-- The pixel of a value on a logarithmic axis from one power of ten to another.
local function scale(low, high, first, last)
  return function(value) return first + (log10(value) - low) / (high - low) * (last - first) end
end

local function draw_axes(add, place, low, high)
  for exponent = low.x, high.x do
    local x = place.x(10 ^ exponent)
    add(svg.line(x, place.top, x, place.bottom, "grid"))
    add(svg.text(x, place.bottom + 14, "middle small", power_of_ten(exponent)))
  end
  for exponent = low.y, high.y do
    local y = place.y(10 ^ exponent)
    add(svg.line(place.left, y, place.right, y, "grid"))
    add(svg.text(place.left - 6, y + 4, "right small", power_of_ten(exponent)))
  end
end

local function draw_curve(add, place, points)
  local path = {}
  for i, point in ipairs(points) do
    local x, y = place.x(point[1]), place.y(point[2])
    path[i] = ("%.1f,%.1f"):format(x, y)
    add(svg.element("circle", { class = "met", cx = x, cy = y, r = 2.2 }))
  end
  add(svg.element("polyline", { class = "curve", points = table.concat(path, " ") }))
end

local function draw(add, curve, x, y)
  local low, high = {}, {}
  low.x, high.x = decades(curve, 1)
  low.y, high.y = decades(curve, 2)
  local place = { left = x + LEFT, right = x + WIDTH - RIGHT, top = y + ABOVE, bottom = y + HEIGHT - BELOW }
  place.x = scale(low.x, high.x, place.left, place.right)
  place.y = scale(low.y, high.y, place.bottom, place.top)
  draw_axes(add, place, low, high)
  for _, points in ipairs(curve.runs) do draw_curve(add, place, points) end
  add(svg.text(x + 16, y + 14, "head", svg.shortened(curve.what, 58)))
  add(svg.text(x + 16, y + 28, "small", curve.y))
  add(svg.text(place.right, place.bottom + 29, "right small", curve.x .. " →"))
end

--- Draws the plots.
---@param report apivideo.bench.Report
---@return string
return function(report)
  local elements, names = {}, {}
  local function add(element) elements[#elements + 1] = element end
  add(svg.text(16, 28, "title", "apivideo for Lua: cost as work grows"))
  add(svg.text(16, 46, "muted", "both axes logarithmic; a line for each run"))
  for i, curve in ipairs(report.curves) do
    draw(add, curve, (i - 1) % COLUMNS * WIDTH, TOP + math.floor((i - 1) / COLUMNS) * HEIGHT)
    names[i] = curve.what
  end
  return svg.drawing(TOP + math.ceil(#report.curves / COLUMNS) * HEIGHT + 8, "Cost as work grows",
    "A plot for each of: " .. table.concat(names, "; ") .. ".", elements)
end
