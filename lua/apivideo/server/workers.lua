--- The tasks that handle a server's requests. A worker handles one request after the other; while its handler
--- waits, another worker takes the next ones.

local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local request = require "apivideo.server.request"
local runtime = require "apivideo.runtime"
local slices = require "apivideo.runtime.time_slice"

local IDLE_MAX = 8 -- idle workers that stay: their next requests need no new tasks

---@class apivideo.server.Workers
---@field private _core apivideo.server.Core
---@field private _handler function
---@field private _send fun() sends responses after the tasks that are ready
---@field private _idle table[] what idle workers wait for
---@field private _is_called boolean whether a worker is about to take requests
---@field private _is_closed boolean
local Workers = {}
Workers.__index = Workers
Workers.__name = "apivideo.server.Workers"

-- Calls the handler, and responds with its results.
local function handle(self, id, ...)
  local status, headers, body, ending = self._handler(request.new(...))
  if ending then return self._core:cut(id, body, ending) end
  return self._core:respond(id, status, headers, body)
end

-- Responds to one request: 500 if the handler fails, or if its results cannot be sent. False if the handler
-- yielded to another scheduler, which owns the task from then on.
local function respond(self, id, method, target, ...)
  local is_lost = false
  runtime.guard(function(traceback)
    is_lost = true
    self._core:respond(id, 500)
    self._send()
    log.error(("server: the handler of %s %s failed: it yielded to a scheduler other than apivideo's, which cannot"
      .. " resume it%s"):format(method, target, traceback))
  end)
  local ok, problem = protected.call(handle, self, id, method, target, ...)
  runtime.guard(nil)
  if is_lost then return false end
  if not ok then
    self._core:respond(id, 500) -- before the report: if memory is out, that fails
    log.error(("server: the handler of %s %s failed: %s"):format(method, target, failure.message(problem)))
  end
  self._send()
  return true
end

-- Handles the request that `next` returned. Returns true; false without a request; nil if another scheduler owns
-- the task.
local function handle_next(self, id, method, target, headers, body, peer, more)
  if not id then return false end
  if more then pcall(self.call, self) end -- if memory is out, the next iteration of the server calls a worker
  return respond(self, id, method, target, headers, body, peer) or nil
end

-- The task of a worker.
local function work(self)
  while not self._is_closed do
    self._is_called = false
    local slice = slices.new()
    local handled
    repeat
      handled = handle_next(self, self._core:next())
      if handled then slice:yield() end
    until not handled
    if handled == nil or self._is_closed or #self._idle >= IDLE_MAX then return end
    local wait = runtime.new_wait()
    table.insert(self._idle, wait)
    runtime.suspend(wait)
  end
end

--- Lets a worker take the requests that are ready, unless one is about to.
function Workers:call()
  if self._is_called then return end
  local wait = table.remove(self._idle)
  if wait then runtime.wake(wait) else runtime.child(work, self) end
  self._is_called = true
end

--- Ends the idle workers; the others end after their current requests.
function Workers:close()
  self._is_closed = true
  for _, wait in ipairs(self._idle) do runtime.wake(wait) end
end

local workers = {}

---@param core apivideo.server.Core
---@param handler fun(request: apivideo.ServerRequest): integer?, table<string, string>?, string?, apivideo.Ending?
---@param send fun() sends responses after the tasks that are ready
---@return apivideo.server.Workers
function workers.new(core, handler, send)
  return setmetatable({ _core = core, _handler = handler, _send = send, _idle = {}, _is_called = false,
    _is_closed = false }, Workers)
end

return workers
