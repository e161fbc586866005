--- A receiver and two workers that are killed while an account is in use. At the end, the effects are compared with the
--- state of the account.

local account = require "spec.missed.account"
local apivideo = require "apivideo"
local effects = require "spec.crash.effects"
local free_port = require "spec.support.free_port"
local history = require "spec.crash.history"
local passes = require "spec.missed.passes"
local points = require "spec.crash.points"
local runtime = require "apivideo.runtime"
local storm = require "spec.crash.storm"
local stores = require "spec.crash.stores"
local truth = require "spec.missed.truth"

local WORKERS = 2
local LIFE = { receiver = 8, worker = 5 } -- seconds until a process is killed, at most
local AT_RANDOM = 0.6   -- the share of processes that are killed at a random time, and not at a boundary
local SPELLS = { 0.25, 0.6 } -- of the time: when the receiver is down
local SPELL = 0.1       -- of the time: for how long

local hunt = {}

-- A boundary of a program: of its handling of events, or of a pass.
local function boundary(place)
  if place.program == "receiver" or math.random() < 0.5 then return place.storm:deck(place.program):next() end
  local names = points.names(place.storm.settings.store, { "put", "acquire", "save" })
  return names[math.random(#names)]
end

-- The plan of the next process of a slot.
local function plan(place)
  local seconds = 0.5 + math.random() * LIFE[place.program]
  if math.random() < AT_RANDOM then return nil, seconds end
  return { name = boundary(place), at = math.random(10), signal = "KILL" }, seconds
end

-- Two spells in which there is no receiver.
local function interrupt(self, receiver, seconds)
  local started = runtime.monotonic()
  for _, share in ipairs(SPELLS) do
    runtime.sleep(math.max(0, started + share * seconds - runtime.monotonic()))
    receiver:stop()
    runtime.sleep(SPELL * seconds)
    receiver = self:add("receiver", { plan = plan })
  end
end

-- Whether each effect exists as often as it must.
local function has_all(counts, expected)
  for name, count in pairs(expected) do
    if (counts[name] or 0) < count then return false end
  end
  return true
end

-- Waits until all effects exist and the inbox is empty, with processes that are not killed.
local function complete(self, expected, limit)
  for _ = 1, WORKERS do self:add("worker", { steady = true }) end
  local done, ends = effects.open(self.settings.directory .. "/effects.db"), runtime.monotonic() + limit
  local inbox = apivideo.inbox { store = stores.plain(self.settings) }
  local function is_complete()
    local stats = inbox:stats()
    return has_all(done:count(), expected) and stats and stats.waiting + stats.claimed == 0
  end
  while not is_complete() and runtime.monotonic() < ends do runtime.sleep(0.3) end
  done:close()
  inbox:close()
  self:clear()
end

-- All that is expected happened once, and nothing else.
local function compare(self, expected)
  local done = effects.open(self.settings.directory .. "/effects.db")
  local counts = done:count()
  done:close()
  self.effects = 0
  for name, count in pairs(counts) do
    self.effects = self.effects + count
    if not expected[name] then
      self:problem("invented", name .. " did not happen")
    elseif count > expected[name] then
      self:problem("doubled", ("%s: %d effects, expected %d"):format(name, count, expected[name]))
    end
  end
  self.events = 0
  for name, count in pairs(expected) do
    self.events = self.events + count
    if (counts[name] or 0) < count then
      self:problem("lost", ("%s: %d effects, expected %d"):format(name, counts[name] or 0, count))
    end
  end
end

-- No attempt has two effects, and the invariants of the crash tests hold.
local function check_history(self)
  local record, seen = history.read(self.settings.directory), {}
  for _, each in ipairs(record.records) do
    if each.kind == "effect" then
      local attempt = ("%s, attempt %d"):format(each.key, each.attempt)
      if seen[attempt] then self:problem("doubled", attempt .. " had two effects") end
      seen[attempt] = true
    end
  end
  for _, found in ipairs(record:check {}) do self:problem(found.kind, found.text) end
  self.runs = record.runs
end

-- A pass over everything, when no process is left, finds nothing.
local function check_rest(self, used, seconds)
  local inbox = apivideo.inbox { store = passes.around(stores.plain(self.settings), self.settings.directory, "last") }
  local reconciliation = apivideo.reconcile { client = used.client, inbox = inbox }
  local summary, err
  repeat
    if err then runtime.sleep(err.retry_after or 1) end
    summary, err = reconciliation:once { since = seconds }
  until summary or err.kind ~= "in_progress"
  if not summary then
    self:problem("stuck", "the last pass failed: " .. tostring(err))
  elseif summary.found > 0 then
    self:problem("lost", ("the last pass found %d events, such as %s %s"):format(summary.found, summary.events[1].type,
      tostring(summary.events[1].videoId)))
  end
  local stats = assert(inbox:stats())
  if stats.waiting - (summary and summary.found or 0) + stats.claimed + stats.dead > 0 then
    self:problem("stuck", ("%d waiting, %d claimed, %d dead"):format(stats.waiting, stats.claimed, stats.dead))
  end
  inbox:close()
end

-- A line of what happened.
local function summary_of(self, used)
  local videos = #used.emulator.videos.items
  local reconcile, handlers = used.calls.reconcile or 0, used.calls.handlers or 0
  return ("%d videos; %d kills; %d effects of %d in %d runs of handlers; calls for each video: %.1f of reconcile, %.1f"
    .. " of handlers"):format(videos, self.kills, self.effects, self.events, self.runs, reconcile / videos,
    handlers / videos)
end

--- Uses an account for some seconds.
---@param settings table directory, store; `port` of Redis; `fault`: what is wrong on purpose
---@param sizes { videos: integer, streams: integer, broadcasts: integer, give_up: number, limit: number }
---@param seconds number
---@return spec.crash.Storm
function hunt.run(settings, sizes, seconds)
  settings.suite, settings.listen = "missed", free_port()
  local began = runtime.monotonic()
  local self = storm.new(settings)
  local used = account.new(settings, sizes.streams)
  local inbox = apivideo.inbox { store = stores.plain(settings) }
  assert(apivideo.reconcile({ client = used.client, inbox = inbox }):once()) -- the first pass only remembers streams
  inbox:close()
  local receiver = self:add("receiver", { plan = plan })
  for _ = 1, WORKERS do self:add("worker", { plan = plan }) end
  apivideo.spawn(function() interrupt(self, receiver, seconds) end)
  used:use(sizes, seconds)
  self:clear()
  local expected = truth(used.emulator, used.broadcasts)
  complete(self, expected, sizes.limit)
  check_history(self)
  compare(self, expected)
  self.calls = used.calls
  local line = summary_of(self, used)
  function self.summary() return line end
  check_rest(self, used, runtime.monotonic() - began + 60)
  local damage = stores.damage(settings)
  if damage then self:problem("damage", damage) end
  used.emulator:stop()
  return self
end

return hunt
