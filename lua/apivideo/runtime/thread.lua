--- A thread of the operating system with a Lua state of its own, for calls that would block the event loop. A Lua module
--- returns the handler, a function, which is called in that state with copies of the arguments.
---
--- Arguments and results are plain values: nil, booleans, numbers, strings, and tables of these, at most 16 deep. The
--- task that waits for the results lets other tasks run. Where Lua cannot wait, as in some phases of nginx, `send` blocks.

local core = require "apivideo.thread.core"
local process_id = require("apivideo.core").process_id
local runtime = require "apivideo.runtime"

local PENDING_MAX = 1000 -- calls whose results have not arrived
local QUEUED_MAX_BYTES = 64 * 1024 * 1024 -- arguments of calls that have not begun

---@class apivideo.runtime.Thread
---@field private _core apivideo.thread.Thread
---@field private _latches table<integer, apivideo.Latch> id of a call -> opened by its result
---@field private _pending integer
---@field private _process integer the process that started the thread
---@field private _is_watched boolean
local Thread = {}
Thread.__index = Thread
Thread.__name = "apivideo.runtime.Thread"

-- Passes on the result of a call; false without one. The task that waited for it may have been ended by nginx.
local function pass_on(self, id, ...)
  if not id then return false end
  local latch = self._latches[id]
  self._latches[id], self._pending = nil, self._pending - 1
  latch:open(...)
  return true
end

-- Ends the pending calls in a forked child, where their results are not available: they are the parent's.
local function abandon(self)
  local latches = self._latches
  self._latches, self._pending = {}, 0
  for _, latch in pairs(latches) do latch:open(false, "forked") end
end

-- Passes on all results that have arrived. Without pending calls the descriptor is not watched: it would keep the loop
-- of a script running.
local function receive(self)
  if process_id() ~= self._process then abandon(self) end
  while pass_on(self, self._core:take()) do end
  if self._is_watched and self._pending == 0 then
    self._is_watched = false
    runtime.unwatch(self._fd)
  end
end

-- Blocks until a latch is open.
local function block(self, latch)
  while not latch:is_open() do
    self._core:wait()
    receive(self)
  end
end

--- Sends a call to the handler.
---@param ... any
---@return apivideo.Latch|nil opens with true and the results of the handler, or false and the text of its error
---@return string? problem "full" if too many calls are pending; "forked" in a child process
function Thread:send(...)
  local latch = runtime.latch() -- first: a finalizer that runs here may run the loop, which passes on results
  local id, problem = self._core:send(...)
  if not id then return nil, problem end
  self._latches[id], self._pending = latch, self._pending + 1
  if runtime.refusal() then
    block(self, latch)
  elseif not self._is_watched then
    self._is_watched = true
    runtime.watch(self._fd, self._receive)
  end
  return latch
end

--- Blocks until the thread has ended, after all calls and a last one without arguments. No call may follow.
function Thread:close()
  self._core:join()
  receive(self)
  self._core:close()
end

local thread = {
  --- Seconds that a test has set the monotonic clock of this state ahead: a handler that uses the clock needs the same.
  clock_ahead = 0,
}

--- Starts a thread. The module is loaded at the first call.
---@param module string the name of the Lua module; the thread finds it by package.path and package.cpath
---@return apivideo.runtime.Thread|nil
---@return string? problem
function thread.start(module)
  local made, problem = core.start(module, package.path, package.cpath, PENDING_MAX, QUEUED_MAX_BYTES)
  if not made then return nil, problem end
  local self = setmetatable({ _core = made, _fd = made:fd(), _process = process_id(), _latches = {}, _pending = 0,
    _is_watched = false }, Thread)
  self._receive = function() receive(self) end
  return self
end

return thread
