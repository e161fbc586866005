--- Finalizers that run during an allocation: what a C function has read before the allocation may have changed after
--- it.

local gc = require "spec.support.gc"

local finalizer = {}

--- Creates garbage with a finalizer that calls a function.
---@param fn fun()
function finalizer.on_collection(fn)
  if newproxy then -- Lua 5.1 and LuaJIT have no finalizers for tables
    getmetatable(newproxy(true)).__gc = fn
  else
    setmetatable({}, { __gc = fn })
  end
end

--- Runs a function while many objects wait for their finalizers. Its argument `attack` makes one call, during which
--- allocations, from the first one on, run finalizers that call `reenter`. These calls are not nested.
--- In a task, `reenter` must not run the loop: it would resume the task within the finalizer, where Lua 5.4 does not
--- collect garbage.
---@param reenter fun()
---@param fn fun(attack: fun(call: function, ...: any): ...: any)
---@return integer runs number of calls of `reenter`
function finalizer.stress(reenter, fn)
  local running, armed, nested, runs, finalized = true, false, false, 0, 0
  local function litter()
    finalizer.on_collection(function()
      if not running then return end
      finalized = finalized + 1
      if armed then
        armed, nested, runs = false, true, runs + 1
        pcall(reenter)
        armed, nested = true, false
      end
      litter()
    end)
  end
  local function disarm(...)
    armed = false
    return ...
  end
  local function attack(call, ...)
    if nested then error("attack: called within a finalizer", 2) end
    local before, scratch = finalized, {} -- luacheck: ignore scratch
    repeat collectgarbage("step", 0) until finalized > before -- other finalizers are pending now
    armed = true
    collectgarbage "restart" -- resets the collector's debt;
    scratch[1] = true        -- the table's growth does not run a step, so the next allocation does
    return disarm(call(...))
  end
  local compiled = jit and jit.status()
  if jit then jit.off() end -- the JIT compiler eliminates allocations
  local restore = gc.set(0, 100, gc.SMALL_STEP)
  for _ = 1, 100 do litter() end
  local ok, err = pcall(fn, attack)
  running = false
  restore()
  if compiled then jit.on() end
  collectgarbage()
  if not ok then error(err, 0) end
  return runs
end

return finalizer
