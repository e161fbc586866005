--- A collection of objects of one kind in the order in which they were added, found by id.

---@class apivideo.emulator.Collection
---@field items table[] oldest first
---@field private _id_name string
local Collection = {}
Collection.__index = Collection
Collection.__name = "apivideo.emulator.Collection"

--- Finds an item by its id.
---@param id any
---@return table? item
---@return integer? index
function Collection:find(id)
  for index, item in ipairs(self.items) do
    if item[self._id_name] == id then return item, index end
  end
end

--- Appends an item, or replaces the one with the same id.
---@param item table
function Collection:put(item)
  local _, index = self:find(item[self._id_name])
  self.items[index or #self.items + 1] = item
end

--- Removes the item with an id.
---@param id any
---@return boolean removed
function Collection:remove(id)
  local _, index = self:find(id)
  if index then table.remove(self.items, index) end
  return index ~= nil
end

--- The items that a predicate accepts, oldest first.
---@param predicate fun(item: table): boolean?
---@return table[]
function Collection:select(predicate)
  local selected = {}
  for _, item in ipairs(self.items) do
    if predicate(item) then selected[#selected + 1] = item end
  end
  return selected
end

local collection = {}

--- Creates an empty collection.
---@param id_name string the field that holds an item's id
---@return apivideo.emulator.Collection
function collection.new(id_name)
  return setmetatable({ _id_name = id_name, items = {} }, Collection)
end

return collection
