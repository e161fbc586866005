--- The latest items of a kind, so that an emulator that runs for long does not grow: limited in number and in bytes.

local ITEMS_MAX, BYTES_MAX = 1000, 8 * 1024 * 1024

---@class apivideo.emulator.History
---@field items table[] oldest first
---@field private _sizes integer[] bytes of each item
---@field private _bytes integer their sum
local History = {}
History.__index = History
History.__name = "apivideo.emulator.History"

-- The bytes of all strings in a value.
local function size_of(value)
  if type(value) == "string" then return #value end
  if type(value) ~= "table" then return 0 end
  local size = 0
  for key, item in pairs(value) do size = size + size_of(key) + size_of(item) end
  return size
end

--- Appends an item, and removes the oldest ones beyond the limits. An item is counted as it is now.
---@param item table
function History:add(item)
  local items, sizes = self.items, self._sizes
  items[#items + 1], sizes[#sizes + 1] = item, size_of(item)
  self._bytes = self._bytes + sizes[#sizes]
  while #items > ITEMS_MAX or self._bytes > BYTES_MAX and #items > 1 do
    table.remove(items, 1)
    self._bytes = self._bytes - table.remove(sizes, 1)
  end
end

local history = {}

--- Creates an empty history.
---@return apivideo.emulator.History
function history.new()
  return setmetatable({ items = {}, _sizes = {}, _bytes = 0 }, History)
end

return history
