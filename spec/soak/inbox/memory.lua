--- The resident memory of a process over time.

local file = require "spec.support.file"

local memory = { MAX_MIB = 2 }
local Memory = { MAX_MIB = memory.MAX_MIB }
Memory.__index = Memory

--- Begins with a child process of the crash tests.
function memory.new(child)
  local pid = file.read(child.process.base .. ".pid"):match "%d+"
  return setmetatable({ path = ("/proc/%s/status"):format(pid), samples = {} }, Memory)
end

function Memory:sample()
  local kib = file.read(self.path):match "VmRSS:%s*(%d+)"
  self.samples[#self.samples + 1] = tonumber(kib) / 1024
end

-- The median of a part of the samples.
local function median(samples, from, to)
  local sorted = {}
  for i = math.floor(#samples * from) + 1, math.floor(#samples * to) do sorted[#sorted + 1] = samples[i] end
  table.sort(sorted)
  return sorted[math.floor(#sorted / 2) + 1]
end

--- By how many MiB it grew from the second quarter to the last one.
function Memory:growth()
  return median(self.samples, 0.75, 1) - median(self.samples, 0.25, 0.5)
end

function Memory:summary()
  return ("%.1f MiB, %+.1f"):format(median(self.samples, 0.75, 1), self:growth())
end

return memory
