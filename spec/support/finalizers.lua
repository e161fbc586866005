--- Runs code under a collector that finishes a whole cycle at each allocation, each with a finalizer: as if a
--- user's __gc came at the worst moment, again and again.

local gc = require "spec.support.gc"

local finalizers = {}

-- An object that calls a function when it is collected.
local function with_gc(fn)
  if newproxy then
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = fn
    return
  end
  setmetatable({}, { __gc = fn })
end

--- Calls `fn(...)`, and `finalize()` in each cycle of the collector meanwhile, except inside of itself.
---@return any ... what pcall(fn, ...) returns
---@return integer calls of `finalize`, as the last
function finalizers.during(finalize, fn, ...)
  local armed, busy, calls, problem = true, false, 0, nil
  local function on_gc()
    if not armed then return end
    with_gc(on_gc)
    if busy then return end
    busy, calls = true, calls + 1
    local ok, err = pcall(finalize)
    if not ok then problem = problem or err end
    busy = false
  end
  if jit then jit.off() end -- a trace sinks allocations
  local restore = gc.set(0, gc.WHOLE_CYCLE, 2 ^ 30) -- a step that is larger than all there is
  collectgarbage() -- from its end on, the next cycle is due at once
  with_gc(on_gc)
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
