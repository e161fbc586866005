--- A disk that a test makes slow, or holds: spec/support/slow_sync.c.

local compile = require "spec.support.compile"
local core = require "apivideo.core"
local file = require "spec.support.file"
local wait_for = require "spec.support.wait"

---@class spec.SlowSync
---@field environment string variables for a process
local SlowSync = {}
SlowSync.__index = SlowSync

--- Holds the next syncs.
function SlowSync:hold() file.write(self.path, "") end

--- Waits until a sync is held.
function SlowSync:wait_until_held()
  wait_for(function() return core.file_id(self.path .. ".held") end, "a sync")
end

--- Lets the held syncs continue.
function SlowSync:release()
  os.remove(self.path)
  os.remove(self.path .. ".held")
end

function SlowSync:remove()
  self:release()
  for _, ending in ipairs { ".so", ".so.c", ".so.log" } do os.remove(self.path .. ending) end
end

local slow_sync = {}

---@param delay_ms integer for each sync
---@return spec.SlowSync
function slow_sync.new(delay_ms)
  local path = os.tmpname()
  os.remove(path)
  compile.c(file.read "spec/support/slow_sync.c", path .. ".so", "-shared -fPIC -ldl")
  return setmetatable({ path = path,
    environment = ("LD_PRELOAD=%s.so SYNC_HOLD=%s SYNC_DELAY_MS=%d"):format(path, path, delay_ms) }, SlowSync)
end

return slow_sync
