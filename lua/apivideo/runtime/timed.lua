--- Calls of functions that may wait for longer than their caller can: each runs in a task of its own, which continues
--- when the caller no longer waits.

local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local unpack = table.unpack or unpack

local timed = {}

local function call(latch, fn, ...)
  latch:open(true, protected.call(fn, ...))
end

local function results_of(is_ended, ok, ...)
  if not is_ended then return nil, "timeout" end
  if not ok then error((...), 0) end
  return ...
end

--- Starts a call. Where Lua cannot wait, it is made at once, and blocks.
---@param seconds number from now on
---@param fn function
---@param ... any its arguments
---@return fun(): any wait waits until then at most: the results, or nil and "timeout". Raises what the function has raised
function timed.start(seconds, fn, ...)
  if runtime.refusal() then
    local results = { fn(...) }
    return function() return unpack(results) end
  end
  local latch, ends = runtime.latch(), runtime.monotonic() + seconds
  runtime.spawn(call, latch, fn, ...)
  return function() return results_of(latch:wait(math.max(0, ends - runtime.monotonic()))) end
end

return timed
