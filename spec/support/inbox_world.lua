--- Random operations on the store and the spool of an inbox, beside the model: runs them, checks the invariants after
--- each, and shortens a list of operations that fails.

local Model = require "spec.support.inbox_model"
local core = require "apivideo.core"
local log = require "apivideo.runtime.log"
local order = require "spec.support.inbox_model_order"
local runtime = require "apivideo.runtime"
local spools = require "apivideo.inbox.spool"

-- Seconds. Each operation takes STEP; no sum of steps is nearer than 20 s to any other number here.
local STEP, WINDOW, LEASES, DELAY, AGES = 100, 850, { 250, 1050 }, 650, { 0, 0, 0, 330, 1230 }
local TYPES, PROBE_INTERVAL = { "video.a", "video.b", "widget" }, 450
local KEYS, STREAMS, OPPOSITE_AGE = 15, 2, { min = 250, max = 1850 }

---@class spec.WorldKind
---@field reset fun(): apivideo.Store, apivideo.Store? an empty store, and an empty spool where the run has one
---@field restart? fun(store: apivideo.Store, spool?: apivideo.Store): apivideo.Store, apivideo.Store? as another process has them
---@field advance? fun(seconds: number) moves the clock of a store that does not use the monotonic one

local World = {}
World.__index = World

-- ---- operations: a list that can be shortened, so each selects its own subject ----

local weights = {
  put = 30, claim = 22, complete = 14, retry = 7, dead_letter = 6, extend = 4, remove = 2, advance = 6, redrive = 3,
  replay = 2, purge = 3, pause = 1, resume = 4, pause_type = 3, resume_type = 4, restart = 3,
  outage = 4, recovery = 9, fault = 6, forward = 14,
}
local names, total = {}, 0
for name in pairs(weights) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do total = total + weights[name] end

--- A generator of whole numbers from 1 to n: the same for a seed on each Lua.
local function random_from(seed)
  local state = seed % 2147483646 + 1
  return function(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end
end

--- Random operations.
---@param seed integer
---@param count integer
local function operations(seed, count)
  local random, list = random_from(seed), {}
  for i = 1, count do
    local place = random(total)
    for _, name in ipairs(names) do
      place = place - weights[name]
      if place <= 0 then
        list[i] = { name, random(1000), random(1000), random(1000) }
        break
      end
    end
  end
  return list
end

-- ---- the world ----

local function target_of(self)
  if not self.spool then return self.store end
  return spools.new(self.store, self.spool, WINDOW, function(entry)
    local copy = {}
    for name, value in pairs(self.items[entry.raw]) do copy[name] = value end
    return copy
  end)
end

-- An item: with one of a few keys, or a broadcast that starts or ends; some have no event.
local function new_item(self, a, b)
  self.arrivals = self.arrivals + 1
  local item = { verified = a % 3 > 0, received_at = 1700000000 + a, lane = ({ "a", "b" })[b % 5],
    type = TYPES[b % 4] }
  if a % 2 == 0 then
    local stream, is_start = b % STREAMS, b % 4 < 2
    item.occurrence = (is_start and "start" or "end") .. stream
    item.opposite = (is_start and "end" or "start") .. stream
    item.key = item.occurrence .. "@" .. a % 7
    if a % 6 == 0 and not self.spool then item.opposite_age = OPPOSITE_AGE end
  else
    item.key = "k" .. b % KEYS
    if a % 10 == 3 then item.error = "cannot be parsed" end
  end
  if not self.spool then item.age = AGES[b % #AGES + 1] end
  item.raw = ("%s#%d"):format(item.key, self.arrivals)
  self.items[item.raw] = item
  self.times[item.raw] = {
    came = self.clock.time, arrival = self.arrivals, occurrence = item.occurrence, opposite = item.opposite,
  }
  return item
end

-- An acknowledged event must be in the store or in the spool, unless it was purged or correctly dropped.
local function check_acknowledged(self)
  for key, raw in pairs(self.acknowledged) do
    local spooled = self.spool_model and self.spool_model:find("key", key)
    if not (self.store_model:find("key", key) or self.store_model.purged[key] or self.dropped[key]
      or spooled and spooled.state == "open") then
      Model.fail("lost: %s was acknowledged, and is kept nowhere", raw)
    end
  end
end

-- Records an event that was accepted by the store or the spool: when its key came first, or first after a purge.
local function accept(self, entry)
  if self.accepted_keys[entry.key] and not self.store_model.purged[entry.key] then return end
  self.accepted_keys[entry.key], self.accepted[entry.raw] = entry.raw, true
end

-- Checks that an item may be dropped as a retry: by all events that were accepted, wherever they are.
local function check_drop(self, item)
  self.dropped[item.key] = true
  if self.accepted_keys[item.key] == item.raw then
    self.accepted_keys[item.key], self.accepted[item.raw] = nil, nil
  end
  if not self.spool then return end -- the store's model has already checked it with the same entries
  local arrival, accepted = self.times[item.raw], {}
  for raw in pairs(self.accepted) do
    if raw ~= item.raw then accepted[#accepted + 1] = self.times[raw] end
  end
  if not order.is_retry(accepted, arrival, WINDOW) then
    Model.fail("lost: %s was dropped as a retry, but is not a retry", item.raw)
  end
end

-- Records the results of a put of the store.
local function on_store_put(self, items, results, new)
  for _, entry in ipairs(new) do
    local time = self.times[entry.raw]
    -- An event that was purged between two attempts to forward it is new again.
    if time.arrival < self.last_arrival and not self.is_disordered and not time.was_stored then
      Model.fail("order: %s is in the store behind one that came later", entry.raw)
    end
    self.last_arrival = math.max(time.arrival, self.last_arrival)
    self.dropped[entry.key] = nil
    accept(self, entry)
  end
  for i, item in ipairs(items) do
    self.times[item.raw].was_stored = true
    if results[i] == "occurrence" then check_drop(self, item) end
  end
end

local function advance(self, seconds)
  self.clock.time = self.clock.time + seconds
  if self.kind.advance then self.kind.advance(seconds) end
end

local function restart(self)
  if self.kind.restart then
    local store, spool = self.kind.restart(self.store_model.store, self.spool_model and self.spool_model.store)
    self.store_model.store = store
    if self.spool_model then self.spool_model.store = spool end
  end
  self.target = target_of(self)
end

-- Calls a function that may crash the process; a new process continues then.
local function survive(self, fn, ...)
  local ok, result, err = pcall(fn, ...)
  if ok then return result, err end
  if result ~= "crash" then error(result, 0) end
  restart(self)
  return nil, "crash"
end

-- One of the newest claims.
local function claim_of(self, number)
  local count = #self.claims
  return count > 0 and self.claims[count - number % math.min(8, count)] or nil
end

local function settle(self, name, number, ...)
  local claim = claim_of(self, number)
  if claim then survive(self, self.store[name], self.store, claim.id, claim.token, ...) end
end

local acts = {
  put = function(self, a, b, c)
    local items = {}
    for i = 1, c % 3 + 1 do items[i] = new_item(self, a + i * 7, b + i * c) end
    local results = survive(self, self.target.put, self.target, items, WINDOW)
    for i, item in ipairs(results and items or {}) do
      local is_unwanted = results[i] == false and item.opposite_age
      if results[i] ~= "occurrence" and not is_unwanted then self.acknowledged[item.key] = item.raw end
    end
  end,
  claim = function(self, a, b)
    local limits = b % 3 == 0 and { { type = TYPES[1], count = a % 2 }, { type = "video.*", count = 1 } } or nil
    local claims = survive(self, self.store.claim, self.store, a % 4 + 1, LEASES[b % 2 + 1], limits)
    for _, claim in ipairs(claims or {}) do self.claims[#self.claims + 1] = claim end
  end,
  -- Without a spool, sometimes with items that are put in the same step: a spool has no part in that.
  complete = function(self, a, b, c)
    local items = not self.spool and b % 2 == 0 and {} or nil
    for i = 1, items and c % 3 or 0 do items[i] = new_item(self, a + i * 7, b + i * c) end
    settle(self, "complete", a, items, WINDOW, nil, b % 3 == 0)
  end,
  remove = function(self, a)
    local claim = claim_of(self, a)
    local entry = claim and self.store_model:find("id", claim.id)
    if not entry or self.spool then return end
    if self.store:remove(claim.id, claim.token) then self.store_model.purged[entry.key] = true end
  end,
  retry = function(self, a, b) settle(self, "retry", a, b % 2 == 0 and 0 or DELAY, "failure " .. b) end,
  dead_letter = function(self, a, b) settle(self, "dead_letter", a, "dead-lettered " .. b) end,
  extend = function(self, a, b) settle(self, "extend", a, LEASES[b % 2 + 1]) end,
  redrive = function(self, a)
    local claim = claim_of(self, a)
    survive(self, self.store.redrive, self.store, { id = a % 2 == 0 and claim and claim.id or nil }, { limit = 1000 })
  end,
  replay = function(self) survive(self, self.store.replay, self.store, {}, { limit = 1000 }) end,
  -- A purge within the window removes times that the window needs, so it is left out.
  purge = function(self, a)
    if a % 3 == 0 then return survive(self, self.store.expire, self.store, 1050) end
    local where = { state = a % 3 == 1 and "done" or "dead", ended_for = 1050 }
    survive(self, self.store.purge, self.store, where, { limit = 1000 })
  end,
  pause = function(self) survive(self, self.store.pause, self.store) end,
  resume = function(self) survive(self, self.store.resume, self.store) end,
  pause_type = function(self, a, b)
    local interval = b % 2 == 0 and PROBE_INTERVAL or nil
    local type = not interval and a % 4 == 0 and "video.*" or TYPES[a % 3 + 1]
    survive(self, self.store.pause, self.store, type, interval, interval and "reason")
  end,
  resume_type = function(self, a, b)
    survive(self, self.store.resume, self.store, ({ "video.*", "*", TYPES[1], TYPES[2] })[a % 4 + 1], b % 3 == 0)
  end,
  advance = function(self, a) advance(self, (a % 10 + 1) * STEP) end,
  restart = restart,
  outage = function(self, a)
    self.store.down = true
    if self.spool and a % 4 == 0 then self.spool.down = true end
  end,
  recovery = function(self, a)
    self.store.down = a % 5 == 0 and self.store.down
    if self.spool then self.spool.down = a % 3 == 0 and self.spool.down end
  end,
  fault = function(self, a, b, c)
    local target = a % 2 == 0 and self.spool or self.store
    local methods = target == self.spool and { "put", "remove", "claim", "list", "retry" }
      or { "put", "put", "claim", "complete", "retry", "dead_letter" }
    target.fault = { method = methods[b % #methods + 1], is_done = c % 2 == 0, is_crash = c % 3 == 0 }
  end,
  forward = function(self, a)
    for _ = 1, self.spool and a % 4 + 1 or 0 do survive(self, self.target.forward_one, self.target) end
  end,
}

local function audit(self)
  self.store_model:audit(self.store_model.store)
  if self.spool_model then self.spool_model:audit(self.spool_model.store) end
  check_acknowledged(self)
end

-- Removes all faults: every event must be settled then.
local function drain(self)
  self.store.down, self.store.fault = false, nil
  if self.spool then
    self.spool.down, self.spool.fault = false, nil
    for _ = 1, 500 do
      if #self.spool_model.entries == 0 then break end
      advance(self, STEP)
      self.target:forward_one()
    end
    Model.expect("entries left in the spool", 0, #self.spool_model.entries)
  end
  self.store:resume()
  self.store:resume "*"
  self.store:redrive({}, { limit = 1000 })
  for _ = 1, 500 do
    if not self.store_model:select(function(entry) return entry.state ~= "done" end)[1] then break end
    advance(self, 1000)
    for _, claim in ipairs(self.store:claim(10, LEASES[1])) do self.store:complete(claim.id, claim.token) end
  end
  audit(self)
  local left = self.store_model:select(function(entry) return entry.state ~= "done" end)
  Model.expect("entries left in the store", 0, #left)
end

local function new_world(kind)
  local store, spool = kind.reset()
  local clock, times = { time = 100000 }, {}
  local function arrival_of(item) return times[item.raw].arrival end
  local self = setmetatable({
    kind = kind, clock = clock, store_model = Model.new(store, clock, arrival_of),
    spool_model = spool and Model.new(spool, clock, arrival_of) or nil,
    items = {}, times = times, acknowledged = {}, accepted = {}, accepted_keys = {}, dropped = {}, claims = {},
    arrivals = 0, last_arrival = 0,
  }, World)
  self.store_model.on_put = function(...) on_store_put(self, ...) end
  self.store = self.store_model:checked()
  if spool then
    self.spool = self.spool_model:checked()
    self.spool_model.on_put = function(_, _, new)
      for _, entry in ipairs(new) do accept(self, entry) end
    end
    self.spool_model.on_failure = function() self.is_disordered = true end
  end
  self.target = target_of(self)
  return self
end

local function perform(kind, list)
  local self = new_world(kind)
  local monotonic, start = core.monotonic, self.clock.time
  core.monotonic = function() return monotonic() + self.clock.time - start end
  local place = 0
  local ok, problem = pcall(function()
    for i, operation in ipairs(list) do
      place = i
      advance(self, STEP)
      acts[operation[1]](self, operation[2], operation[3], operation[4])
      audit(self)
    end
    place = #list + 1
    drain(self)
  end)
  core.monotonic = monotonic
  if ok then return nil end
  local text = type(problem) == "table" and problem.model or tostring(problem)
  return ("after operation %d: %s"):format(place, text), place
end

local world = { operations = operations }

--- Performs operations; the problem and the index of the operation that has it, or nil.
---@param kind spec.WorldKind
---@param list table[]
function world.run(kind, list)
  local spawn, warn, fault = runtime.spawn, log.warn, log.error
  runtime.spawn, log.warn, log.error = function() end, function() end, function() end
  local ok, problem, place = pcall(perform, kind, list)
  runtime.spawn, log.warn, log.error = spawn, warn, fault
  if not ok then return tostring(problem), #list end
  return problem, place
end

-- A list without `count` operations from `first` on.
local function without(list, first, count)
  local rest = {}
  for i, operation in ipairs(list) do
    if i < first or i >= first + count then rest[#rest + 1] = operation end
  end
  return rest
end

--- Shortens a list of operations that fails, as long as it fails (delta debugging).
---@return table[] list
---@return string problem of the shortest one
function world.shortest(kind, list)
  local problem, place = world.run(kind, list)
  if not problem then return list, "it failed once, and not again" end
  if place <= #list then list = without(list, place + 1, #list) end
  local size = math.max(1, math.floor(#list / 2))
  while true do
    local first, is_shorter = 1, false
    while first <= #list do
      local rest = without(list, first, size)
      local still = world.run(kind, rest)
      if still then
        list, problem, is_shorter = rest, still, true
      else
        first = first + size
      end
    end
    if size == 1 and not is_shorter then return list, problem end
    size = math.max(1, math.floor(size / 2))
  end
end

--- Operations as a Lua table, for a test.
function world.text_of(list)
  local lines = {}
  for i, operation in ipairs(list) do
    lines[i] = ("  { %q, %d, %d, %d },"):format(operation[1], operation[2], operation[3], operation[4])
  end
  return "{\n" .. table.concat(lines, "\n") .. "\n}"
end

--- Runs `steps` random operations in lists of a hundred. Returns nil, or a report of the first list that fails.
---@param kind spec.WorldKind
---@param seed integer
---@param steps integer
function world.explore(kind, seed, steps)
  for round = 1, math.max(1, math.floor(steps / 100)) do
    local list = operations(seed * 1000 + round, 100)
    if world.run(kind, list) then
      local short, problem = world.shortest(kind, list)
      return ("seed %d, round %d: %s\n%s"):format(seed, round, problem, world.text_of(short)), #short
    end
  end
end

return world
