--- Receivers and workers that are killed while events are sent. At the end, the remaining events are handled, and the
--- responses, the effects and the content of the store are compared.

local apivideo = require "apivideo"
local child = require "spec.crash.child"
local effects = require "spec.crash.effects"
local events = require "spec.crash.events"
local history = require "spec.crash.history"
local runtime = require "apivideo.runtime"
local sender = require "spec.crash.sender"
local slot = require "spec.crash.slot"
local stores = require "spec.crash.stores"
local terms = require "spec.crash.terms"
local wait_for = require "spec.support.wait"

local RECEIVERS, WORKERS = 2, 3
local CONNECTIONS, PAUSE = 8, 0.05
local LIMIT = 20 -- seconds beyond the lease in which all events must be handled after the last kill

---@class spec.crash.Storm
---@field settings table of its processes: directory, store, port, spool, broken, boot
---@field problems { kind: string, text: string }[]
---@field kills integer
---@field notes string
local Storm = {}
Storm.__index = Storm

local storm = { LIMIT = LIMIT }

function Storm:problem(kind, text)
  self.problems[#self.problems + 1] = { kind = kind, text = text }
end

--- Adds to a number of its summary.
function Storm:note(text)
  self.notes = self.notes .. "; " .. text
end

--- Starts a process of it; a receiver listens on `address`.
function Storm:child(program, point, environment, address)
  local settings = { point = point, address = address }
  for name, value in pairs(self.settings) do settings[name] = value end
  return child.start(program, settings, environment or self.environment)
end

--- The boundaries that are still to be visited: those of one program are shared by its slots.
function Storm:deck(program)
  self.decks[program] = self.decks[program] or slot.deck(program, self.settings.store)
  return self.decks[program]
end

--- Records that a process was killed; at a boundary, if it had reached it.
function Storm:killed(program, point)
  local name = point and (point.name .. (point.signal == "STOP" and ", paused" or "")) or program .. ", at random"
  self.kills = self.kills + 1
  self.boundaries[name] = (self.boundaries[name] or 0) + 1
end

-- The URL of a receiver that accepts requests now.
local function url_of(self)
  local urls = {}
  for _, place in ipairs(self.slots) do urls[#urls + 1] = place.url end
  return urls[math.random(math.max(#urls, 1))]
end

---@param settings table
---@param options? { environment?: string, limit?: number, leases?: boolean, pauses?: number } `leases` false: its clock jumps; `pauses`: the part of workers that are stopped for longer than their lease
function storm.new(settings, options)
  options = options or {}
  effects.create(settings.directory .. "/effects.db")
  local self = setmetatable({
    settings = settings, environment = options.environment, limit = options.limit or LIMIT, leases = options.leases,
    pauses = options.pauses or 0.1,
    problems = {}, notes = "", kills = 0, boundaries = {}, decks = {}, slots = {},
  }, Storm)
  self.sender = sender.new(function() return url_of(self) end)
  return self
end

--- Adds a slot for a process; see slot.start.
function Storm:add(program, options)
  local place = slot.start(self, program, options)
  table.insert(self.slots, place)
  return place
end

--- Adds a slot for a receiver that is not killed, and waits until it accepts requests.
function Storm:serve(environment)
  local place = self:add("receiver", { steady = true, environment = environment })
  wait_for(function() return place.url end, "a receiver")
  return place
end

--- Starts slots with processes that are killed repeatedly.
function Storm:hunt()
  for _ = 1, RECEIVERS do self:add "receiver" end
  for _ = 1, WORKERS do self:add "worker" end
end

--- Starts to send events.
function Storm:send()
  self.sender:start(CONNECTIONS, PAUSE)
end

--- Kills all processes.
function Storm:clear()
  for _, place in ipairs(self.slots) do place.stopped = true end
  for _, place in ipairs(self.slots) do place:stop() end
  self.slots = {}
end

-- Handles the remaining events. The inbox must be empty then.
local function drain(self)
  local worker = self:child "worker"
  local inbox = apivideo.inbox { store = stores.plain(self.settings), spool = stores.spool(self.settings),
    lane = events.lane_of }
  local ends, stats, err = runtime.monotonic() + terms.LEASE + self.limit
  repeat
    runtime.sleep(0.05)
    stats, err = inbox:stats() -- luacheck: ignore
    local left = stats and stats.waiting + stats.claimed + (stats.spooled or 0)
  until left == 0 or runtime.monotonic() > ends
  if not stats then
    self:problem("stuck", "no stats: " .. tostring(err))
  elseif stats.waiting + stats.claimed + (stats.spooled or 0) + stats.dead > 0 then
    self:problem("stuck", ("%d waiting, %d claimed, %d spooled, %d dead, %.1f s after the last kill"):format(
      stats.waiting, stats.claimed, stats.spooled or 0, stats.dead, terms.LEASE + self.limit))
  end
  inbox:close()
  worker:kill "KILL"
  local problem = worker:wait()
  if problem then self:problem("process", problem) end
  return stats
end

-- Each acknowledged event has one effect, and there are no other effects.
local function compare(self, stats)
  local done = effects.open(self.settings.directory .. "/effects.db")
  local counts, total = done:count(), 0
  done:close()
  for name, is_acknowledged in pairs(self.sender.sent) do
    if is_acknowledged and not counts[name] then self:problem("lost", name .. " got a 2xx response, and is lost") end
  end
  for name, count in pairs(counts) do
    total = total + count
    if count > 1 then self:problem("doubled", ("%s has %d effects"):format(name, count)) end
    if self.sender.sent[name] == nil then self:problem("invented", name .. " was never sent") end
  end
  if stats and stats.done ~= total then
    self:problem("doubled", ("%d events were handled, and there are %d effects"):format(stats.done, total))
  end
  self.effects = total
end

--- Ends the storm and checks all invariants. The results are in `problems`.
function Storm:finish()
  self.sender:stop()
  self:clear()
  compare(self, drain(self))
  local damage = stores.damage(self.settings)
  if damage then self:problem("damage", damage) end
  local record = history.read(self.settings.directory)
  for _, found in ipairs(record:check { leases = self.leases }) do self:problem(found.kind, found.text) end
  self.runs = record.runs
  self.events, self.acknowledged = self.sender:count()
  if self.acknowledged < self.events / 4 then
    self:problem("harness", ("only %d of %d events got a 2xx response"):format(self.acknowledged, self.events))
  end
end

--- Adds the problems of another storm.
function Storm:include(other)
  for _, name in ipairs { "kills", "events", "acknowledged", "effects", "runs" } do
    self[name] = self[name] + other[name]
  end
  for _, problem in ipairs(other.problems) do table.insert(self.problems, problem) end
  for name, count in pairs(other.boundaries) do self.boundaries[name] = (self.boundaries[name] or 0) + count end
end

--- A line of what happened.
function Storm:summary()
  return ("%d kills; %d events, %d acknowledged, %d effects in %d runs of handlers%s"):format(
    self.kills, self.events, self.acknowledged, self.effects, self.runs, self.notes)
end

return storm
