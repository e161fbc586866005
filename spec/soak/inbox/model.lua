--- What must be true of the inbox at each moment of the soak, and of its processes.

local counted = require "spec.soak.inbox.counted"
local memory_of = require "spec.soak.inbox.memory"

local UNCOUNTED_MAX = 12 -- events that a worker completes between two writings, at most

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

-- The metrics may lack what a worker has done since its last writing, but have nothing that the store does not have.
local function check_metrics(self, stats, counts)
  local problem = self.world.problem
  if counts.completed > stats.done then
    problem("the metrics have %d completed events, the store has %d", counts.completed, stats.done)
  end
  if counts.dead_lettered > stats.dead then
    problem("the metrics have %d dead letters, the store has %d", counts.dead_lettered, stats.dead)
  end
end

--- Checks the present moment.
function Model:sample()
  for _, memory in pairs(self.memory) do memory:sample() end
  local counts = counted(self.world.directory)
  local _, acknowledged = self.world.sender:count()
  local stats = self.world.inbox:stats()
  if stats and not stats.error then
    self.samples = self.samples + 1
    check_store(self, stats, acknowledged, (self.world.sender:count()))
    check_metrics(self, stats, counts)
  else
    self.failures = self.failures + 1
  end
end

--- Checks the end, when nothing happens any more, and each worker has written its metrics.
---@param stats apivideo.InboxStats
---@param crashes integer of workers: what each of its handlers did at the end may be missing
function Model:finish(stats, crashes)
  local counts = counted(self.world.directory)
  check_metrics(self, stats, counts)
  self.uncounted = stats.done + stats.dead - counts.completed - counts.dead_lettered
  local limit = crashes * UNCOUNTED_MAX
  if self.uncounted > limit then
    self.world.problem("the metrics lack %d events; %d could be", self.uncounted, limit)
  end
  local _, acknowledged = self.world.sender:count()
  check_store(self, stats, acknowledged, (self.world.sender:count()))
  for name, memory in pairs(self.memory) do
    local growth = memory:growth()
    if growth > memory.MAX_MIB then self.world.problem("the %s grew by %.1f MiB", name, growth) end
  end
end

--- What was seen.
function Model:summary()
  local parts = { ("%d samples of the store, %d while it was unavailable; the metrics lack %d"):format(self.samples,
    self.failures, self.uncounted or 0) }
  for name, memory in pairs(self.memory) do parts[#parts + 1] = ("the %s has %s"):format(name, memory:summary()) end
  table.sort(parts)
  return table.concat(parts, "; ")
end

return model
