--- What a mistyped name was meant to be.

local spelling = {}

-- The number of single-letter edits between two names (Levenshtein distance).
local function distance(a, b)
  local previous = {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + cost)
    end
    previous = row
  end
  return previous[#b]
end

--- The known name that is most similar to a mistyped one, if one is similar enough.
---@param name string
---@param known string[]
---@return string?
function spelling.nearest(name, known)
  local best, least = nil, math.max(2, math.floor(#name / 3)) + 1
  for _, candidate in ipairs(known) do
    local edits = distance(name:lower(), candidate:lower())
    if edits < least then best, least = candidate, edits end
  end
  return best
end

return spelling
