--- A slot for one process, which is restarted whenever it ends. By default it is killed repeatedly, at random or at a
--- boundary.

local points = require "spec.crash.points"
local runtime = require "apivideo.runtime"
local terms = require "spec.crash.terms"

local BOUNDARY_TIMEOUT = 1.5 * terms.LEASE -- heartbeats are at a third of the lease
local AT_RANDOM = 0.4              -- the share of processes that are killed at a random time
local START = 0.3                  -- seconds until a process is ready, at most

local operations = {
  receiver = { "put" },
  worker = { "claim", "extend", "complete", "retry" },
}
local around_handlers = { "handler:before", "handler:after" }

local Deck = {}
Deck.__index = Deck

--- The next boundary, in random order, again and again.
function Deck:next()
  if #self.left == 0 then
    for i, name in ipairs(self.names) do table.insert(self.left, math.random(i), name) end
  end
  return table.remove(self.left)
end

--- Adds a boundary again that was not reached.
function Deck:put_back(name)
  table.insert(self.left, 1, name)
end

local slot = {}
local Slot = {}
Slot.__index = Slot

--- The boundaries of a program.
---@param program "receiver"|"worker"
---@param store "sqlite"|"redis"
function slot.deck(program, store)
  local names = points.names(store, operations[program])
  if program == "worker" then
    for _, name in ipairs(around_handlers) do names[#names + 1] = name end
  end
  return setmetatable({ names = names, left = {} }, Deck)
end

-- A process that is not killed.
local function steady()
  return nil, math.huge
end

local function is_rare(name)
  return name:find "^extend" or name:find "^retry"
end

-- The plan of the next process: nothing, a kill or a pause at a boundary; and after how many seconds it is killed at
-- the latest.
local function hunted(self)
  if self.program == "worker" and math.random() < self.storm.pauses then
    local pauses = points.pauses(self.storm.settings.store)
    return { name = pauses[math.random(#pauses)], at = math.random(3), signal = "STOP" }, BOUNDARY_TIMEOUT
  elseif math.random() < AT_RANDOM then
    return nil, START * math.random() + math.random() ^ 3 * terms.LEASE
  end
  local name = self.storm:deck(self.program):next()
  return { name = name, at = math.random(is_rare(name) and 2 or 6), signal = "KILL" }, BOUNDARY_TIMEOUT
end

-- Waits until a process has ended, or until it is to be killed.
local function watch(self, seconds)
  local ends = runtime.monotonic() + seconds
  while runtime.monotonic() < ends and not self.stopped and not self.process:has_ended() do
    if self.program == "receiver" then self.url = self.process:url() end
    runtime.sleep(0.005)
  end
  self.url = nil
end

-- Kills a process, unless it has ended.
local function finish(self, point)
  local process, storm = self.process, self.storm
  if point and point.signal == "STOP" then
    process:kill "CONT"
    watch(self, 0.3)
  end
  local was_there = process:was_there()
  process:kill "KILL"
  local problem = process:wait()
  if problem then storm:problem("process", problem) end
  storm:killed(self.program, was_there and point)
  if point and point.signal == "KILL" and not was_there then storm:deck(self.program):put_back(point.name) end
end

--- Starts a slot, and restarts its process until it is stopped.
---@param storm spec.crash.Storm
---@param program "receiver"|"worker"
---@param options? { steady?: boolean, plan?: fun(self): table?, number, environment?: string, address?: string }
function slot.start(storm, program, options)
  options = options or {}
  local self = setmetatable({ storm = storm, program = program }, Slot)
  local plan = options.plan or options.steady and steady or hunted
  runtime.spawn(function()
    while not self.stopped do
      local point, seconds = plan(self)
      self.process = storm:child(program, point, options.environment, options.address)
      watch(self, seconds)
      finish(self, point)
    end
    self.is_empty = true
  end)
  return self
end

--- Kills its process, and waits for its end.
function Slot:stop()
  self.stopped = true
  while not self.is_empty do runtime.sleep(0.005) end
end

return slot
