--- What all benches do with their figures.

local figures = { failed = false }

function figures.median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

--- The median, and how far the middle half lies apart, in percent of it.
function figures.shown(list, format)
  local middle, quarter = figures.median(list), math.floor(#list / 4)
  local spread = (list[#list - quarter] - list[1 + quarter]) / middle * 100
  return (format .. " (spread %.0f %%)"):format(middle, spread)
end

--- What to write behind a figure; remembers whether any was missed.
function figures.verdict(good)
  figures.failed = figures.failed or not good
  return good and "" or "  MISSED"
end

return figures
