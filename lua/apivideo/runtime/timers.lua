--- A binary heap: items in the order of their times.

---@class apivideo.Timers
local Timers = {}
Timers.__index = Timers
Timers.__name = "apivideo.Timers"

--- Adds an item with its time.
---@param at number
---@param item any
function Timers:push(at, item)
  local entry = { at = at, item = item } -- first: a finalizer that runs here may change the heap
  local i = self.n + 1
  self[i] = entry -- when this fails for lack of memory, the heap is unchanged
  self.n = i
  while i > 1 do
    local above = (i - i % 2) / 2
    if self[above].at <= at then break end
    self[i], self[above] = self[above], entry
    i = above
  end
end

--- The first item and its time; nil when the heap is empty.
---@return any item
---@return number? at
function Timers:next()
  if self.n == 0 then return nil end
  return self[1].item, self[1].at
end

--- Removes and returns the first item. The heap must not be empty.
---@return any item
function Timers:pop()
  local first, last, n = self[1], self[self.n], self.n - 1
  self[n + 1], self.n = nil, n
  if n == 0 then return first.item end
  local i = 1
  while 2 * i <= n do
    local below = 2 * i
    if below < n and self[below + 1].at < self[below].at then below = below + 1 end
    if last.at <= self[below].at then break end
    self[i] = self[below]
    i = below
  end
  self[i] = last
  return first.item
end

return {
  ---@return apivideo.Timers
  new = function() return setmetatable({ n = 0 }, Timers) end,
}
