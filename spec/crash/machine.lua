--- A machine for child processes: its wall clock can be set, it can be started anew, and its power can fail.
--- See machine.c.

local lfs = require "lfs"
local runtime = require "apivideo.runtime"

local LIBRARY = lfs.currentdir() .. "/build/crash/machine.so"

local machine = {}
local Machine = {}
Machine.__index = Machine

---@param directory string where it is; what is to be on its disk is in `disk`
function machine.new(directory)
  assert(lfs.mkdir(directory .. "/synced"))
  return setmetatable({
    directory = directory, environment = ("LD_PRELOAD=%s CRASH_MACHINE=%s"):format(LIBRARY, directory),
  }, Machine)
end

--- Sets the number in one of its files: `wall` or `uptime`.
function Machine:set(name, seconds)
  local path = self.directory .. "/" .. name
  local file = assert(io.open(path .. ".new", "w"))
  file:write(("%d\n"):format(seconds))
  file:close()
  assert(os.rename(path .. ".new", path))
end

--- Sets the wall clock to another time, days away.
function Machine:jump()
  self:set("wall", math.random(-30, 30) * 86400 + math.random(-3600, 3600))
end

--- Starts its monotonic clock anew.
function Machine:restart()
  self:set("uptime", math.random(100) - math.floor(runtime.monotonic()))
end

local function execute(command, ...)
  local status = os.execute(command:format(...))
  assert(status == true or status == 0, command)
end

-- What a file holds; nothing, if it is not there.
local function read(path)
  local file = io.open(path)
  local text = file and file:read "*a" or ""
  if file then file:close() end
  return text
end

--- Its power fails: of its disk, only that is left which was synced. All its processes must be dead.
function Machine:fail()
  local disk, synced = self.directory .. "/disk", self.directory .. "/synced"
  execute("find %s -type f -delete", disk)
  for id, path in (read(synced .. "/names")):gmatch "(%S+) (%C+)\n" do
    execute("if [ -f %s/%s ]; then cp %s/%s %s; else : > %s; fi", synced, id, synced, id, path, path)
  end
  -- They are other files now; all that is there is synced.
  execute("rm -r %s && mkdir %s", synced, synced)
  execute("env %s find %s -type f -exec sync {} +", self.environment, disk)
end

return machine
