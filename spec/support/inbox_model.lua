--- A simple model of a store of an inbox, in plain Lua: the store's contract, entry by entry. `checked` wraps a real
--- store: each call must return what the model expects, and the lists must be equal.

local errors = require "apivideo.error"
local order = require "spec.support.inbox_model_order"
local types = require "spec.support.inbox_model_types"

local Model = {}
Model.__index = Model

local function fail(message, ...)
  error({ model = message:format(...) }, 0)
end

--- Raises unless two values are equal.
local function expect(what, expected, actual)
  if expected ~= actual then fail("%s: expected %s, got %s", what, tostring(expected), tostring(actual)) end
end

function Model:is_held(entry)
  return entry.state == "open" and entry.is_claimed and self.clock.time < entry.due
end

local function is_due(self, entry)
  return entry.state == "open" and (not entry.due or self.clock.time >= entry.due)
end

--- The state of an entry as lists show it.
function Model:state_of(entry)
  if entry.state ~= "open" then return entry.state end
  return self:is_held(entry) and "claimed" or "waiting"
end

--- The entries for which `condition` is true, in the order of their ids.
function Model:select(condition)
  local found = {}
  for _, entry in ipairs(self.entries) do
    if condition(entry) then found[#found + 1] = entry end
  end
  return found
end

function Model:find(field, value)
  return self:select(function(entry) return entry[field] == value end)[1]
end

-- Records what the activity counts.
local function note(self, name, time)
  self.happened[name][#self.happened[name] + 1] = time
end

-- The expected result for an item; and the entry, if it is new. `result` is that of the store.
local function put_one(self, item, window, result)
  local entry = { came = math.floor((self.clock.time - (item.age or 0)) / 10 + 0.5) * 10, place = self.count + 1,
    arrival = self.arrival_of(item) }
  for _, name in ipairs { "key", "occurrence", "opposite", "lane", "raw", "error", "type" } do
    entry[name] = item[name]
  end
  local known = self:find("key", item.key)
  if known then
    if order.is_earlier(entry, known) then known.came, known.arrival = entry.came, entry.arrival end
    return false
  end
  if item.opposite_age and not order.is_wanted(self.entries, entry, item.opposite_age) then return false end
  local is_retry = order.is_retry(self.entries, entry, window)
  if self.was_put[item.raw] and order.is_unknown(self.entries, item, entry.came) then
    is_retry = result == "occurrence"
  end
  self.was_put[item.raw] = true
  if is_retry then return "occurrence" end
  self.count = entry.place
  entry.state, entry.token, entry.attempt = item.error and "dead" or "open", 0, 0
  entry.ended = item.error and self.clock.time or nil
  note(self, "received", entry.came)
  self.entries[#self.entries + 1] = entry
  return true, entry
end

-- The expected results, and the new entries. `actual` are the results of the store.
function Model:put(items, window, actual)
  local results, new = {}, {}
  for i, item in ipairs(items) do
    results[i], new[#new + 1] = put_one(self, item, window, actual and actual[i])
  end
  return results, new
end

-- Why an entry must not be claimed now, or nil. A redriven entry may have any place in its lane.
local function obstacle(self, entry)
  if entry.state ~= "open" then return "it is " .. entry.state end
  if self:is_held(entry) then return "another claim holds" end
  if not is_due(self, entry) then return "its delay is not over" end
  if not entry.lane then return nil end
  for _, other in ipairs(self.entries) do
    if other ~= entry and other.lane == entry.lane and other.state == "open" then
      if self:is_held(other) then return "another entry of its lane is claimed" end
      if other.place < entry.place and not other.is_redriven then return "an older entry of its lane is open" end
    end
  end
end

-- Whether an entry can be claimed for any places that redriven entries of its lane may have.
local function is_surely_free(self, entry)
  if obstacle(self, entry) then return false end
  return not entry.lane or not self:select(function(other)
    return other ~= entry and other.lane == entry.lane and other.state == "open" and other.place < entry.place
      or other.lane == entry.lane and other.state == "open" and other.is_redriven
  end)[1]
end

-- Checks the types of the claims of a call, and that it had all that it may have; the probes delay the next ones.
local function check_types(self, claims, call)
  for _, claim in ipairs(claims) do
    local entry = self:find("id", claim.id)
    if not types.is_allowed(self, call.limits, entry.type, types.before(self, claims, entry.place)) then
      fail("claim: %s was given, but its type is paused, or has reached its limit", entry.raw)
    end
  end
  local missed = self:select(function(entry)
    return (#claims < call.limit or entry.place < call.last) and is_surely_free(self, entry)
      and types.is_allowed(self, call.limits, entry.type, types.before(self, claims, entry.place))
  end)[1]
  if missed then fail("claim: %s was not given, and nothing prevents it", missed.raw) end
  for _, claim in ipairs(claims) do
    local type = self:find("id", claim.id).type
    local pause = type and self.paused_types[type]
    expect("probe", pause and pause.interval, claim.probe)
    if pause then pause.probe_at = self.clock.time + call.lease end
  end
end

--- Checks the claims that a store returned, and records them.
function Model:claim(limit, lease, claims, limits)
  if self.is_paused then return expect("claims in a pause", 0, #claims) end
  if #claims > limit then fail("claim: %d entries, at most %d wanted", #claims, limit) end
  local last = 0
  for _, claim in ipairs(claims) do
    local entry = self:find("id", claim.id) or fail("claim: entry %s is unknown", tostring(claim.id))
    local problem = obstacle(self, entry)
    if problem then fail("claim: %s was given, but %s", entry.raw, problem) end
    if entry.place < last then fail("claim: %s is older than the one before it", entry.raw) end
    last = entry.place
    -- Each store may begin at any token.
    entry.token, entry.attempt = entry.token == 0 and claim.token or entry.token + 1, entry.attempt + 1
    expect("token of " .. entry.raw, entry.token, claim.token)
    expect("attempt of " .. entry.raw, entry.attempt, claim.attempt)
    expect("raw of a claim", entry.raw, claim.raw)
    entry.is_claimed, entry.due = true, self.clock.time + lease
  end
  check_types(self, claims, { limit = limit, lease = lease, last = last, limits = limits })
end

-- The entry of a claim that is not lost, or nil.
local function holding(self, id, token)
  local entry = self:find("id", id)
  return entry and entry.token == token and self:is_held(entry) and entry or nil
end

local function finish(self, entry, state)
  entry.state, entry.is_claimed, entry.due, entry.ended = state, false, nil, self.clock.time
end

function Model:remove_entry(entry)
  for i, other in ipairs(self.entries) do
    if other == entry then return table.remove(self.entries, i) end
  end
end

-- The effects of the calls that settle or extend a claim.
local settle = {
  extend = function(self, entry, lease) entry.due = self.clock.time + lease end,
  complete = function(self, entry, retains)
    finish(self, entry, "done")
    note(self, entry.is_replay and "replayed" or "handled", self.clock.time)
    entry.raw = retains and entry.raw or ""
  end,
  remove = function(self, entry) self:remove_entry(entry) end,
  retry = function(self, entry, delay, message)
    entry.is_claimed, entry.due, entry.error = false, self.clock.time + delay, message
    note(self, "failed", self.clock.time)
  end,
  dead_letter = function(self, entry, message)
    finish(self, entry, "dead")
    entry.error = message
    note(self, "failed", self.clock.time)
  end,
}

function Model:settle(name, id, token, ...)
  local entry = holding(self, id, token)
  if entry then settle[name](self, entry, ...) end
  return entry ~= nil
end

-- Opens the entries for which `condition` is true; how many.
local function open_again(self, condition)
  local found = self:select(condition)
  for _, entry in ipairs(found) do
    entry.state, entry.attempt, entry.due, entry.ended, entry.is_redriven = "open", 0, nil, nil, true
  end
  return #found
end

function Model:redrive(where)
  return open_again(self, function(entry)
    return entry.state == "dead" and (not where.id or entry.id == where.id)
  end)
end

function Model:replay()
  return open_again(self, function(entry)
    local is_replayed = entry.state == "done" and entry.raw ~= ""
    entry.is_replay = entry.is_replay or is_replayed
    return is_replayed
  end)
end

function Model:purge(state, age)
  local old = self:select(function(entry) return entry.state == state and self.clock.time - entry.ended >= age end)
  for _, entry in ipairs(old) do
    self:remove_entry(entry)
    self.purged[entry.key] = true
  end
  return #old
end

-- Records the ids that the store assigned to new entries.
local function learn(self, store, new)
  local ids = {}
  for _, state in ipairs { "waiting", "dead" } do
    for _, entry in ipairs(assert(store:list({ state = state }, { limit = 1000, after = self.last_id }))) do
      ids[#ids + 1] = entry.id
      if entry.id > self.last_id then self.raws[entry.id] = entry.raw end
    end
  end
  table.sort(ids)
  expect("entries after a put", #new, #ids)
  for i, entry in ipairs(new) do
    expect("the order of a put", entry.raw, self.raws[ids[i]])
    entry.id, self.last_id = ids[i], ids[i]
  end
end

-- Compares the activity with what has happened: the first of its minutes begins between 59 and 60 minutes ago.
local function audit_activity(self, store)
  local list = assert(store:activity())
  for name, times in pairs(self.happened) do
    local sum, certain, possible = 0, 0, 0
    for _, minute in ipairs(list) do sum = sum + minute[name] end
    for _, time in ipairs(times) do
      local age = self.clock.time - time
      certain, possible = certain + (age < 3525 and 1 or 0), possible + (age < 3615 and 1 or 0)
    end
    if sum < certain or sum > possible then
      fail("activity: expected from %d to %d %s, got %d", certain, possible, name, sum)
    end
  end
end

local STATES = { "waiting", "claimed", "dead", "done" }

--- Compares all lists and counts of a store with the model.
function Model:audit(store)
  local stats = assert(store:stats())
  local attempts = 0
  for _, state in ipairs(STATES) do
    local entries = self:select(function(entry) return self:state_of(entry) == state end)
    local listed = assert(store:list({ state = state }, { limit = 1000 }))
    expect("entries " .. state, #entries, #listed)
    expect("stats." .. state, #entries, stats[state])
    for i, entry in ipairs(entries) do
      local where = ("entry %s, %s: "):format(entry.raw, state)
      for _, name in ipairs { "id", "raw", "token", "attempt", "error" } do
        if name ~= "token" or entry.token ~= 0 then expect(where .. name, entry[name], listed[i][name]) end
      end
      expect(where .. "state", state, listed[i].state)
      if math.abs(listed[i].age - (self.clock.time - entry.came)) > 15 then
        fail("%sage: expected about %d, got %f", where, self.clock.time - entry.came, listed[i].age)
      end
      if entry.state == "open" then attempts = math.max(attempts, entry.attempt) end
    end
    if #entries > 2 then
      local page = assert(store:list({ state = state }, { limit = 1, after = entries[2].id }))
      expect("a page of " .. state, entries[3].id, page[1] and page[1].id)
    end
  end
  audit_activity(self, store)
  expect("stats.attempts", attempts, stats.attempts)
  expect("stats.paused", self.is_paused, stats.paused)
  types.check_stats(self, stats.paused_types or {})
end

-- The model of each call of a store; it returns the expected result.
local calls = {
  put = function(self, store, results, items, window)
    local expected, new = self:put(items, window, results)
    for i = 1, #items do expect("put of " .. items[i].raw, expected[i], results[i]) end
    learn(self, store, new)
    self.on_put(items, results, new)
  end,
  claim = function(self, _, claims, limit, lease, limits) self:claim(limit, lease, claims, limits) end,
  redrive = function(self, _, count, where) expect("redrive", self:redrive(where), count) end,
  replay = function(self, _, count) expect("replay", self:replay(), count) end,
  purge = function(self, _, count, where) expect("purge", self:purge(where.state, where.ended_for), count) end,
  expire = function(self, _, count, age) expect("expire", self:purge("done", age), count) end,
  pause = function(self, _, changed, type, interval) expect("pause", types.pause(self, type, interval), changed) end,
  resume = function(self, _, changed, type, is_probe) expect("resume", types.resume(self, type, is_probe), changed) end,
  list = function() end,
  stats = function() end,
}
for name in pairs(settle) do
  calls[name] = function(self, _, holds, id, token, ...)
    expect(name .. " of entry " .. tostring(id), self:settle(name, id, token, ...), holds)
  end
end

-- The items that complete an event are put in the same step; the store does not return their results.
calls.complete = function(self, store, holds, id, token, items, window, _, retains)
  expect("complete of entry " .. tostring(id), self:settle("complete", id, token, retains), holds)
  if not holds or not items then return end
  local results, new = self:put(items, window)
  learn(self, store, new)
  self.on_put(items, results, new)
end

--- A store around another one, `model.store`, that checks each call. While it is `down`, all calls fail. Its `fault`
--- makes the next call of one function fail: before or after its work, with an error or with a crash of the process.
function Model:checked()
  local proxy = { down = false }
  for name, check in pairs(calls) do
    proxy[name] = function(_, ...)
      local fault = proxy.fault
      fault = fault and fault.method == name and fault or nil
      if fault then proxy.fault = nil end
      if proxy.down or fault and not fault.is_done then
        if fault and fault.is_crash then error("crash", 0) end
        if self.on_failure then self.on_failure(name) end
        return nil, errors.new("store_unavailable", "away")
      end
      local result, err = self.store[name](self.store, ...)
      if result == nil then fail("%s: %s", name, tostring(err)) end
      check(self, self.store, result, ...)
      if not fault then return result end
      if fault.is_crash then error("crash", 0) end
      if self.on_failure then self.on_failure(name) end
      return nil, errors.new("store_unavailable", "no reply")
    end
  end
  return proxy
end

--- Creates the model of an empty store.
---@param store apivideo.Store
---@param clock { time: number }
---@param arrival_of fun(item: apivideo.StoredItem): integer how many items came until this one, wherever they are
function Model.new(store, clock, arrival_of)
  return setmetatable({
    store = store, clock = clock, arrival_of = arrival_of,
    entries = {}, count = 0, last_id = 0, raws = {}, purged = {}, is_paused = false,
    happened = { received = {}, handled = {}, replayed = {}, failed = {} }, -- name -> times
    paused_types = {},
    was_put = {}, -- set of raws
    on_put = function() end,
  }, Model)
end

Model.expect, Model.fail = expect, fail
return Model
