--- The parameters of the collector, named alike for all Luas.

local gc = {}

local version = _VERSION

--- The step multiplier with which a large step is a whole cycle.
gc.WHOLE_CYCLE = version == "Lua 5.5" and 0 or version == "Lua 5.4" and 1000 or 1000000

--- Bytes between two small steps. In Lua 5.5, a step for which a tenth of that is less than a word is a whole cycle.
gc.SMALL_STEP = version == "Lua 5.5" and 128 or 2

local DEFAULT_STEP = 2 ^ 13 -- of Lua 5.4, which does not say what is set
local OLD = { pause = "setpause", stepmul = "setstepmul" }

-- Returns the value before.
local function set(name, value)
  if version == "Lua 5.5" then return collectgarbage("param", name, value) end
  if OLD[name] then return collectgarbage(OLD[name], value) end
  if version == "Lua 5.4" then collectgarbage("incremental", 0, 0, math.floor(math.log(value, 2))) end
  return DEFAULT_STEP
end

--- Makes the collector incremental, which the interpreters of Lua 5.4 and 5.5 have set otherwise. Sets what is not
--- nil: the pause and the step multiplier in percent, and the bytes between two steps, which Lua 5.1 to 5.3 cannot set.
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
