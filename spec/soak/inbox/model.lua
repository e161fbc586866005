--- What must be true of the inbox at each moment of the soak, and of its processes.

local memory_of = require "spec.soak.inbox.memory"

local model = {}
local Model = {}
Model.__index = Model

--- Makes one.
---@param world { inbox: apivideo.Inbox, sender: spec.crash.Sender, directory: string, problem: fun(text: string, ...), processes: table<string, table> }
function model.new(world)
  local self = setmetatable({ world = world, done = 0, dead = 0, samples = 0, failures = 0, memory = {} }, Model)
  for name, process in pairs(world.processes) do self.memory[name] = memory_of.new(process) end
  return self
end

-- The numbers of the store lie between those of the sender before and after they were read, and events that are done or
-- dead stay so.
local function check_store(self, stats, acknowledged, sent)
  local problem = self.world.problem
  local known = stats.waiting + stats.claimed + stats.done + stats.dead
  if known < acknowledged or known > sent then
    problem("the store has %d events; %d were acknowledged before, and %d sent", known, acknowledged, sent)
  end
  for _, state in ipairs { "done", "dead" } do
    if stats[state] < self[state] then problem("%d events were %s, now %d", self[state], state, stats[state]) end
    self[state] = stats[state]
  end
end

--- Checks the present moment.
function Model:sample()
  for _, memory in pairs(self.memory) do memory:sample() end
  local _, acknowledged = self.world.sender:count()
  local stats = self.world.inbox:stats()
  if stats and not stats.error then
    self.samples = self.samples + 1
    check_store(self, stats, acknowledged, (self.world.sender:count()))
  else
    self.failures = self.failures + 1
  end
end

--- Checks the end, when nothing happens any more.
---@param stats apivideo.InboxStats
function Model:finish(stats)
  local _, acknowledged = self.world.sender:count()
  check_store(self, stats, acknowledged, (self.world.sender:count()))
  for name, memory in pairs(self.memory) do
    local growth = memory:growth()
    if growth > memory.MAX_MIB then self.world.problem("the %s grew by %.1f MiB", name, growth) end
  end
end

--- What was seen.
function Model:summary()
  local parts = { ("%d samples of the store, %d while it was unavailable"):format(self.samples, self.failures) }
  for name, memory in pairs(self.memory) do parts[#parts + 1] = ("the %s has %s"):format(name, memory:summary()) end
  table.sort(parts)
  return table.concat(parts, "; ")
end

return model
