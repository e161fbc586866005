--- Things of one kind, by id, in the order in which they came.

---@class apivideo.emulator.Collection
---@field items table[] oldest first
local Collection = {}
Collection.__index = Collection

--- The item with an id, and its place; or nil.
function Collection:find(id)
  for place, item in ipairs(self.items) do
    if item[self.id_name] == id then return item, place end
  end
end

--- Adds an item, or puts it in the place of the one with the same id.
function Collection:put(item)
  local _, place = self:find(item[self.id_name])
  self.items[place or #self.items + 1] = item
end

--- Removes the item with an id; false when there is none.
function Collection:remove(id)
  local _, place = self:find(id)
  if place then table.remove(self.items, place) end
  return place ~= nil
end

--- The items that something is true of.
---@param is_wanted fun(item: table): boolean?
---@return table[]
function Collection:select(is_wanted)
  local selected = {}
  for _, item in ipairs(self.items) do
    if is_wanted(item) then selected[#selected + 1] = item end
  end
  return selected
end

local collection = {}

--- Makes an empty one of things that have their id under a name.
---@param id_name string
---@return apivideo.emulator.Collection
function collection.new(id_name)
  return setmetatable({ id_name = id_name, items = {} }, Collection)
end

return collection
