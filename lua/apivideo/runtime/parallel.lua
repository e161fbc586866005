--- Many calls at once, a limited number of them in flight.

local checks = require "apivideo.util.checks"
local current_span = require "apivideo.runtime.current_span"
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

--- One call of `parallel`: its results and errors by the index of their item.
---@class apivideo.ParallelRun
local Run = {}
Run.__index = Run
Run.__name = "apivideo.ParallelRun"

-- Stores what the function returned or raised for an item.
function Run:finish(index, ok, result, err)
  if not ok then
    result, err = nil, result
  end
  self.results[index] = result
  if not ok or result == nil and err ~= nil then
    self.errors = self.errors or {}
    self.errors[index] = err == nil and "the function failed" or err
  end
  self.in_progress = self.in_progress - 1
  if self.finished then self.finished:open() end
end

-- Waits until at most `most` items are in progress.
function Run:wait(most)
  while self.in_progress > most do
    self.finished = runtime.latch()
    self.finished:wait()
    self.finished = nil
  end
end

local YIELDED = "the function yielded to a scheduler other than apivideo's, which cannot resume it"

-- A child task: processes its item, and then the items that it receives while it is idle. (In nginx, each task uses
-- memory until the request ends, so there is not one task for each item.)
function Run:work(fn, index, item)
  local is_lost = false
  runtime.guard(function()
    is_lost = true
    self:finish(index, false, YIELDED)
  end)
  while index do
    local ok, result, err = protected.call(fn, item, index)
    if is_lost then return end -- the other scheduler has resumed it
    self:finish(index, ok, result, err)
    local next_item = runtime.latch()
    table.insert(self.idle, next_item)
    index, item = next_item:wait()
  end
end

-- Gives an item to an idle child task, or to a new one.
function Run:start(index, fn, item)
  self.in_progress = self.in_progress + 1
  local next_item = table.remove(self.idle)
  if next_item then return next_item:open(index, item) end
  runtime.child(function()
    current_span.set(self.span)
    self:work(fn, index, item)
  end)
end

-- Waits for all items, and ends the child tasks.
function Run:close()
  self:wait(0)
  for _, next_item in ipairs(self.idle) do next_item:open() end
end

--- Calls fn(item, index) for each item in a task, at most `limit` of them at a time. An item is taken from an iterator
--- only when it can be processed, so the iterator may be endless, and may wait (`client.videos:each()`).
---@param limit integer at least 1
---@param items any[]|fun(): any a list, or an iterator
---@param fn fun(item: any, index: integer): any, any returns a result, or nil and an error
---@return any[] results by index; nil for items that failed or returned nothing
---@return table<integer, any>|nil errors by index: what was returned or raised; nil when no item failed
local function parallel(limit, items, fn)
  checks.value("parallel: limit", limit, "integer>=1", 2)
  if type(items) ~= "table" and type(items) ~= "function" then
    error("parallel: items must be a list or an iterator, got " .. type(items), 2)
  elseif type(items) == "table" and not checks.is_list(items) then
    error("parallel: items must be a list, without holes and without other keys", 2)
  elseif type(fn) ~= "function" then
    error("parallel: a function expected, got " .. type(fn), 2)
  end
  local refusal = runtime.refusal()
  if refusal then error("parallel: " .. refusal, 2) end
  local run = setmetatable({ results = {}, in_progress = 0, idle = {}, span = current_span.get() }, Run)
  local take, index = iterator_of(items), 0
  while true do
    run:wait(limit - 1)
    local ok, item = protected.call(take)
    if not ok or item == nil then
      run:close()
      if not ok then error(item, 0) end
      return run.results, run.errors
    end
    index = index + 1
    run:start(index, fn, item)
  end
end

return parallel
