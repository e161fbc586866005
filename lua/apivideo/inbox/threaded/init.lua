--- A store whose calls block, in a thread of its own: the loop of this process does not wait for it.

local errors = require "apivideo.error"
local log = require "apivideo.runtime.log"
local thread = require "apivideo.runtime.thread"

local HANDLER = "apivideo.inbox.threaded.handler"

---@class apivideo.inbox.ThreadedKind what differs between stores
---@field module string its `new` creates the store in the thread
---@field options table for `new`: plain values
---@field methods string[] of the store, without `close`
---@field name string of the store, for tostring
---@field refusal fun(is_started: boolean): string|nil why no thread may be started or used here
---@field unavailable fun(message: string): nil, apivideo.Error
---@field started fun() is called when a thread was started
---@field ended fun() is called when it was closed

---@class apivideo.inbox.ThreadedStore : apivideo.Store
---@field private _kind apivideo.inbox.ThreadedKind
---@field private _thread apivideo.runtime.Thread|nil
---@field private _created apivideo.Latch opens when the store was created in the thread, or could not be
---@field private _is_closed boolean
---@field private _clock_ahead number seconds that the clock in the thread is ahead
local Threaded = {}
Threaded.__index = Threaded
Threaded.__name = "apivideo.inbox.ThreadedStore"

Threaded.__tostring = function(self) return self._kind.name end

local FULL = "too many calls wait for it: its disk, or a process that has locked it, is too slow"

-- Ends a thread whose store could not be created, so that the next call starts another.
local function give_up(self, running)
  if self._thread ~= running then return end
  self._thread = nil
  running:close()
  self._kind.ended()
end

-- The results of a method, from those of the handler.
local function results_of(self, running, ok, logged, how, result, second)
  if not ok then
    local refusal = self._kind.refusal(true) -- in a forked child: the store stays the parent's
    if refusal then return self._kind.unavailable(refusal) end
    if not self._created:wait() then give_up(self, running) end
    return self._kind.unavailable("its thread failed: " .. logged)
  end
  for _, line in ipairs(logged or {}) do log[line[1]](line[2], line[3]) end
  if how == "raised" then error(result, 0) end
  if how == "failed" then return nil, errors.new(result.kind, result.message, result) end
  return result, second
end

-- Starts the thread, and creates the store in it, without waiting. True; or nil and an error.
local function start(self)
  local kind = self._kind
  local started, problem = thread.start(HANDLER)
  if not started then return kind.unavailable("its thread could not be started: " .. problem) end
  self._thread, self._clock_ahead, self._created = started, 0, started:send("new", kind.module, kind.options)
  kind.started()
  return true
end

local function call(self, name, ...)
  local kind = self._kind
  local refusal = self._is_closed and "it was closed" or kind.refusal(self._thread ~= nil)
  if refusal then return kind.unavailable(refusal) end
  if not self._thread then
    local ok, err = start(self)
    if not ok then return nil, err end
  end
  local running = self._thread
  if thread.clock_ahead ~= self._clock_ahead and running:send("set_clock", thread.clock_ahead) then
    self._clock_ahead = thread.clock_ahead
  end
  local results, problem = running:send(name, ...)
  if not results then return kind.unavailable(problem == "full" and FULL or "its thread failed: " .. problem) end
  return results_of(self, running, results:wait())
end

-- The method with a name.
local methods = setmetatable({}, { __index = function(known, name)
  known[name] = function(self, ...) return call(self, name, ...) end
  return known[name]
end })

--- Closes the store after all calls that were made before, and ends the thread.
function Threaded:close()
  local running = self._thread
  self._is_closed, self._thread = true, nil
  if not running or self._kind.refusal(true) then return true end
  local is_closed = running:send "close"
  if is_closed then is_closed:wait() end -- other tasks run during that; the next call blocks
  running:close()
  self._kind.ended()
  return true
end

local threaded = {}

--- Creates a store. The thread is started at the first use.
---@param kind apivideo.inbox.ThreadedKind
---@return apivideo.Store
function threaded.new(kind)
  local self = { _kind = kind, _is_closed = false }
  for _, name in ipairs(kind.methods) do self[name] = methods[name] end
  return setmetatable(self, Threaded)
end

return threaded
