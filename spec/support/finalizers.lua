--- Runs code with a collector that finishes a cycle, with a finalizer, in each allocation: the worst case of a user's
--- __gc.

local finalizer = require "spec.support.finalizer"
local gc = require "spec.support.gc"

local finalizers = {}

-- Creates garbage that calls a function when it is collected.
--- Calls `fn(...)`, and during it `finalize()` in each collector cycle, but not recursively.
---@return any ... the results of pcall(fn, ...)
---@return integer calls of `finalize`, the last result
function finalizers.during(finalize, fn, ...)
  local armed, busy, calls, problem = true, false, 0, nil
  local function on_gc()
    if not armed then return end
    finalizer.on_collection(on_gc)
    if busy then return end
    busy, calls = true, calls + 1
    local ok, err = pcall(finalize)
    if not ok then problem = problem or err end
    busy = false
  end
  if jit then jit.off() end -- the JIT compiler eliminates allocations
  local restore = gc.set(0, gc.WHOLE_CYCLE, 2 ^ 30) -- a step larger than the heap
  collectgarbage() -- the next cycle is due immediately
  finalizer.on_collection(on_gc)
  local results = { n = 0 }
  local function keep(...) results = { n = select("#", ...), ... } end
  keep(pcall(fn, ...))
  armed = false
  restore()
  if jit then jit.on() end
  if problem then error(problem, 0) end
  results[results.n + 1] = calls
  return (table.unpack or unpack)(results, 1, results.n + 1)
end

return finalizers
