--- Finalizers that run in the middle of an allocation: whatever a C function reads before one and uses
--- after it may have changed.

local gc = require "spec.support.gc"

local finalizer = {}

--- Has the collector call a function when it finds what nothing refers to.
---@param fn fun()
function finalizer.on_collection(fn)
  if newproxy then -- Lua 5.1 and LuaJIT have no finalizers of tables
    getmetatable(newproxy(true)).__gc = fn
  else
    setmetatable({}, { __gc = fn })
  end
end

--- Runs a function while many objects wait for their finalizers. It gets a function `attack`, which makes one
--- call: the first allocation in it, and more of them, run finalizers that call `reenter`, none inside
--- another.
---@param reenter fun()
---@param fn fun(attack: fun(call: function, ...: any): ...: any)
---@return integer runs how often `reenter` was called
function finalizer.stress(reenter, fn)
  local running, armed, runs, finalized = true, false, 0, 0
  local function litter()
    finalizer.on_collection(function()
      if not running then return end
      finalized = finalized + 1
      if armed then
        armed, runs = false, runs + 1
        pcall(reenter)
        armed = true
      end
      litter()
    end)
  end
  local function disarm(...)
    armed = false
    return ...
  end
  local function attack(call, ...)
    local before, scratch = finalized, {} -- luacheck: ignore scratch
    repeat collectgarbage("step", 0) until finalized > before -- others wait now
    armed = true
    collectgarbage "restart" -- the collector owes nothing, and
    scratch[1] = true        -- a table that grows makes no step: the next allocation makes one
    return disarm(call(...))
  end
  local compiled = jit and jit.status()
  if jit then jit.off() end -- the compiler leaves allocations out
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
