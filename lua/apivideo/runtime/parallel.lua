--- Many calls at once, a limited number of them in flight.

local options = require "apivideo.util.options"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

-- An iterator over a list, or the iterator itself.
local function iterator_of(items)
  if type(items) == "function" then return items end
  local i = 0
  return function()
    i = i + 1
    return items[i]
  end
end

-- One run: its results and errors by the place of their item.
local Run = {}
Run.__index = Run

function Run:finish(place, ok, result, err)
  if not ok then
    result, err = nil, result
  end
  self.results[place] = result
  if not ok or result == nil and err ~= nil then
    self.errors = self.errors or {}
    self.errors[place] = err == nil and "the function failed" or err
  end
  self.under_way = self.under_way - 1
  if self.turn then self.turn:open() end
end

-- Waits until at most `most` are in flight.
function Run:wait(most)
  while self.under_way > most do
    self.turn = runtime.latch()
    self.turn:wait()
    self.turn = nil
  end
end

local YIELDED = "the function yielded to another scheduler than apivideo's, which cannot resume it"

-- A child: does its item, and then those that it is handed while it is idle. (One for each item would
-- leave something behind in nginx until the request ends.)
function Run:work(fn, place, item)
  local is_lost = false
  runtime.guard(function()
    is_lost = true
    self:finish(place, false, YIELDED)
  end)
  while place do
    local ok, result, err = protected.call(fn, item, place)
    if is_lost then return end -- the other scheduler has resumed it
    self:finish(place, ok, result, err)
    local handed = runtime.latch()
    table.insert(self.idle, handed)
    place, item = handed:wait()
  end
end

function Run:start(place, fn, item)
  self.under_way = self.under_way + 1
  local handed = table.remove(self.idle)
  if handed then return handed:open(place, item) end
  runtime.child(function() self:work(fn, place, item) end)
end

-- Waits for all, and lets the children end.
function Run:close()
  self:wait(0)
  for _, handed in ipairs(self.idle) do handed:open() end
end

--- Calls fn(item, place) for each item, each as a task, with at most `limit` of them at a time. The next
--- item is taken when there is room for it, so an iterator may be endless, or wait itself
--- (`client.videos:each()`).
---@param limit integer
---@param items any[]|fun(): any a list, or an iterator
---@param fn fun(item: any, place: integer): any, any returns a result, or nil and an error
---@return any[] results by place; nil where it failed, or returned nothing
---@return table<integer, any>|nil errors by place: what was returned or raised; nil when none failed
local function parallel(limit, items, fn)
  options.check_value("parallel: limit", limit, "integer>=1", 2)
  if type(items) ~= "table" and type(items) ~= "function" then
    error("parallel: items must be a list or an iterator, got " .. type(items), 2)
  elseif type(items) == "table" and not options.is_list(items) then
    error("parallel: items must be a list, without holes and other keys", 2)
  elseif type(fn) ~= "function" then
    error("parallel: a function expected, got " .. type(fn), 2)
  end
  local refusal = runtime.refusal()
  if refusal then error("parallel: " .. refusal, 2) end
  local run = setmetatable({ results = {}, under_way = 0, idle = {} }, Run)
  local take, place = iterator_of(items), 0
  while true do
    run:wait(limit - 1)
    local ok, item = protected.call(take)
    if not ok or item == nil then
      run:close()
      if not ok then error(item, 0) end
      return run.results, run.errors
    end
    place = place + 1
    run:start(place, fn, item)
  end
end

return parallel
