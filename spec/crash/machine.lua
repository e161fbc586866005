--- A machine for child processes: its wall clock can be set, it can be restarted, and its power can fail.
--- See machine.c.

local file = require "spec.support.file"
local lfs = require "lfs"
local runtime = require "apivideo.runtime"

local LIBRARY = lfs.currentdir() .. "/build/crash/machine.so"

local machine = {}
local Machine = {}
Machine.__index = Machine

---@param directory string of its files; those of its disk are in `disk`
function machine.new(directory)
  assert(lfs.mkdir(directory .. "/synced"))
  return setmetatable({
    directory = directory, environment = ("LD_PRELOAD=%s CRASH_MACHINE=%s"):format(LIBRARY, directory),
  }, Machine)
end

--- Sets the number in one of its files: `wall`, `uptime` or `boot`.
function Machine:set(name, seconds)
  local path = self.directory .. "/" .. name
  file.write(path .. ".new", ("%d\n"):format(seconds))
  assert(os.rename(path .. ".new", path))
end

--- Sets the wall clock to a time that differs by days.
function Machine:jump()
  self:set("wall", math.random(-30, 30) * 86400 + math.random(-3600, 3600))
end

--- Restarts it: its monotonic clock, and the kernel's id of the boot.
---@param boot integer
function Machine:restart(boot)
  self:set("boot", boot)
  self:set("uptime", math.random(100) - math.floor(runtime.monotonic()))
end

local function execute(command, ...)
  local status = os.execute(command:format(...))
  assert(status == true or status == 0, command)
end

--- Simulates a power failure: only synced bytes of its disk remain. All its processes must have ended.
function Machine:fail()
  local disk, synced = self.directory .. "/disk", self.directory .. "/synced"
  execute("find %s -type f -delete", disk)
  for id, path in file.read(synced .. "/names"):gmatch "(%S+) (%C+)\n" do
    execute("if [ -f %s/%s ]; then cp %s/%s %s; else : > %s; fi", synced, id, synced, id, path, path)
  end
  -- The files are new ones now, and their bytes are synced.
  execute("rm -r %s && mkdir %s", synced, synced)
  execute("env %s find %s -type f -exec sync {} +", self.environment, disk)
end

return machine
