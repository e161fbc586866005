--- The collector's parameters, with the same names for all Luas.

local gc = {}

local version = _VERSION

--- The step multiplier that makes a large step a full cycle.
gc.WHOLE_CYCLE = version == "Lua 5.5" and 0 or version == "Lua 5.4" and 1000 or 1000000

--- Bytes between two small steps. In Lua 5.5, a step is a full cycle if a tenth of this is less than a word.
gc.SMALL_STEP = version == "Lua 5.5" and 128 or 2

local DEFAULT_STEP = 2 ^ 13 -- Lua 5.4's default; it has no function that returns the current value
local OLD = { pause = "setpause", stepmul = "setstepmul" }

-- Sets a parameter and returns the previous value.
local function set(name, value)
  if version == "Lua 5.5" then return collectgarbage("param", name, value) end
  if OLD[name] then return collectgarbage(OLD[name], value) end
  if version == "Lua 5.4" then collectgarbage("incremental", 0, 0, math.floor(math.log(value, 2))) end
  return DEFAULT_STEP
end

--- Makes the collector incremental (the standalone Lua 5.4 and 5.5 start in generational mode) and sets the
--- parameters that are not nil: pause and step multiplier in percent, and the bytes between two steps (not in Lua 5.1
--- to 5.3).
---@return fun() restore
function gc.set(pause, step_multiplier, step_size)
  local before, mode = {}, nil
  if version == "Lua 5.4" or version == "Lua 5.5" then mode = collectgarbage "incremental" end
  for name, value in pairs { pause = pause, stepmul = step_multiplier, stepsize = step_size } do
    before[name] = set(name, value)
  end
  return function()
    for name, value in pairs(before) do set(name, value) end
    if mode then collectgarbage(mode) end
  end
end

return gc
