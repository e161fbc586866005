--- The part of the model of an inbox's store that concerns the order of entries: retries, and items with a condition.

local order = {}

--- Whether entries are in the order of their times; those of equal times in the order of their arrival.
function order.is_earlier(one, other)
  if one.came ~= other.came then return one.came < other.came end
  return one.arrival < other.arrival
end

-- Whether one of `entries` is between two others.
local function has_between(entries, one, other)
  for _, entry in ipairs(entries) do
    if order.is_earlier(one, entry) and order.is_earlier(entry, other) then return true end
  end
  return false
end

--- Whether an entry of an item's occurrence came within the window, and no entry of the opposite occurrence between.
function order.is_retry(entries, item, window)
  local opposites = {}
  for _, entry in ipairs(entries) do
    if item.opposite and entry.occurrence == item.opposite then opposites[#opposites + 1] = entry end
  end
  for _, entry in ipairs(entries) do
    if item.occurrence and entry.occurrence == item.occurrence and math.abs(entry.came - item.came) < window then
      local first, last = entry, item
      if order.is_earlier(item, entry) then first, last = item, entry end
      if not has_between(opposites, first, last) then return true end
    end
  end
  return false
end

--- Whether the last entry of an item's opposite came early enough, and no entry of its occurrence came after that one.
function order.is_wanted(entries, item, bounds)
  local last
  for _, entry in ipairs(entries) do
    if entry.occurrence == item.opposite and not (last and order.is_earlier(entry, last)) then last = entry end
  end
  if not last or item.came - last.came < bounds.min or item.came - last.came > bounds.max then return false end
  for _, entry in ipairs(entries) do
    if entry.occurrence == item.occurrence and order.is_earlier(last, entry) then return false end
  end
  return true
end

--- Whether an item that is put again has an opposite entry that came at the same time, as far as the model knows the time,
--- as the item or as an entry of its occurrence. A spool measures the ages again after a crash, so the store may then have
--- either order of the two.
function order.is_unknown(entries, item, came)
  local times = { [came] = true }
  for _, entry in ipairs(entries) do
    if item.opposite and entry.occurrence == item.occurrence then times[entry.came] = true end
  end
  for _, entry in ipairs(entries) do
    if item.opposite and entry.occurrence == item.opposite and times[entry.came] then return true end
  end
  return false
end

return order
