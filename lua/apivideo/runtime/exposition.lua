--- The text format of Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/

local exposition = {
  CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8",
}

-- A number; some locales write a comma.
local function written(value)
  if value == math.huge then return "+Inf" end
  return (("%.15g"):format(value):gsub(",", "."))
end

local function escaped(value)
  return (value:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"))
end

--- The labels of a series, such as `type="x",outcome="completed"`; "" without any.
---@param names string[]
---@param values string[]
---@return string
function exposition.labels(names, values)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = ('%s="%s"'):format(name, escaped(values[i])) end
  return table.concat(parts, ",")
end

local function add_line(lines, name, labels, value)
  lines[#lines + 1] = name .. (labels == "" and "" or "{" .. labels .. "}") .. " " .. written(value)
end

-- A histogram with labels has many lines: it is written from its first observation on.
local function add_histogram(lines, family, labels, series)
  local own, count = {}, 0
  local prefix = labels == "" and "" or labels .. ","
  for place, bound in ipairs(family.bounds) do
    count = count + series:get(place)
    add_line(own, family.name .. "_bucket", ('%sle="%s"'):format(prefix, written(bound)), count)
  end
  if count == 0 and labels ~= "" then return end
  for _, line in ipairs(own) do lines[#lines + 1] = line end
  add_line(lines, family.name .. "_sum", labels, series:sum())
  add_line(lines, family.name .. "_count", labels, count)
end

--- Adds the lines of a family, unless no series has a value.
---@param lines string[]
---@param family apivideo.metrics.Family
function exposition.add(lines, family)
  local own = {}
  for _, labels in ipairs(family.order) do
    local series = family.series[labels]
    if family.bounds then
      add_histogram(own, family, labels, series)
    else
      local value = series:get()
      if value then add_line(own, family.name, labels, value) end
    end
  end
  if #own == 0 then return end
  lines[#lines + 1] = ("# HELP %s %s\n# TYPE %s %s"):format(family.name, family.help, family.name, family.kind)
  for _, line in ipairs(own) do lines[#lines + 1] = line end
end

return exposition
