--- The records of all processes of a run, and the checks of its invariants.

local cjson = require "cjson"
local lfs = require "lfs"
local terms = require "spec.crash.terms"

local SLACK = 0.02 -- seconds: a store may round a lease

local history = {}

---@class spec.crash.History
---@field records table[] of all processes
---@field runs integer how often handlers ran
local History = {}
History.__index = History

local function read(self, path)
  local boot = 0
  for line in io.lines(path) do
    local ok, record = pcall(cjson.decode, line)
    if ok then -- a process may be killed while it writes
      boot = record.kind == "process" and record.boot or boot
      record.boot = boot
      self.records[#self.records + 1] = record
    end
  end
end

local function problem(self, kind, text, ...)
  self.problems[#self.problems + 1] = { kind = kind, text = text:format(...) }
end

-- The records of some kinds, in lists by one of their fields.
local function group(self, kinds, key_of)
  local groups = {}
  for _, record in ipairs(self.records) do
    local key = kinds[record.kind] and key_of(record)
    if key then
      groups[key] = groups[key] or {}
      table.insert(groups[key], record)
    end
  end
  return groups
end

-- Two boots of a machine are two histories, except for durable records.
local function entry_of(record)
  return ("%d/%.0f"):format(record.boot, record.id)
end


-- Each event is new at most once.
local function check_new(self)
  for key, records in pairs(group(self, { new = true }, function(record) return record.key end)) do
    if #records > 1 then problem(self, "doubled", "%s was new %d times", key, #records) end
  end
end

-- Each event is completed at most once.
local function check_completed(self)
  local keys, counts = {}, {}
  for _, record in ipairs(self.records) do
    if record.kind == "claim" then keys[entry_of(record)] = record.key end
  end
  for _, record in ipairs(self.records) do
    local key = record.kind == "complete" and record.holds and keys[entry_of(record)]
    if key then
      local once = record.boot .. " " .. key
      counts[once] = (counts[once] or 0) + 1
      if counts[once] == 2 then problem(self, "doubled", "%s was completed twice", key) end
    end
  end
end

local settles = { complete = true, retry = true, dead_letter = true, extend = true }

-- No worker settles an event that another worker has claimed since.
local function check_fencing(self)
  local claims = group(self, { claim = true }, entry_of)
  for _, record in ipairs(self.records) do
    if settles[record.kind] and record.holds then
      for _, claim in ipairs(claims[entry_of(record)] or {}) do
        if claim.token > record.token and claim.to < record.from then
          problem(self, "fencing", "%s of event %d with token %d, after claim %d", record.kind, record.id,
            record.token, claim.token)
        end
      end
    end
  end
end

-- Until when a claim is valid, according to the records: until its lease or its extensions expired, or it was settled.
local function held_until(claim, records)
  local ends, released = claim.from + terms.LEASE, math.huge
  for _, record in ipairs(records) do
    if record.token == claim.token then
      if record.kind == "extend" and record.holds then ends = math.max(ends, record.from + terms.LEASE) end
      if record.kind == "attempt" and record.name ~= "extend" then released = math.min(released, record.from) end
    end
  end
  return math.min(ends, released)
end

local function by_token(one, other)
  return one.token < other.token
end

-- No worker gets an event that another worker holds.
local function check_leases(self)
  local records = group(self, { extend = true, attempt = true }, entry_of)
  for entry, claims in pairs(group(self, { claim = true }, entry_of)) do
    table.sort(claims, by_token) -- the worker with the first claim may have recorded it last
    for i = 2, #claims do
      local last, claim = claims[i - 1], claims[i]
      local early = held_until(last, records[entry] or {}) - claim.to
      if last.token == claim.token then
        problem(self, "lease", "event %d was given twice with token %d", claim.id, claim.token)
      elseif early > SLACK then
        problem(self, "lease", "event %d was given again %.3f s before the lease's end", claim.id, early)
      end
    end
  end
end

-- An event of a lane is claimed only after all earlier ones were settled.
local function check_lanes(self)
  local ended = {}
  for _, record in ipairs(self.records) do
    if record.kind == "attempt" and record.name == "complete" then
      local entry = entry_of(record)
      ended[entry] = math.min(ended[entry] or math.huge, record.from)
    end
  end
  local lanes = group(self, { claim = true }, function(record)
    return record.lane and ("%d/%s"):format(record.boot, record.lane)
  end)
  for lane, claims in pairs(lanes) do
    table.sort(claims, function(one, other) return one.id < other.id end)
    local before, latest = nil, 0
    for _, claim in ipairs(claims) do
      if before and before ~= claim.id then
        latest = math.max(latest, ended[("%d/%.0f"):format(claim.boot, before)] or math.huge)
      end
      if claim.to < latest then
        problem(self, "lanes", "event %d of lane %s was given while an older one was open", claim.id, lane)
      end
      before = claim.id
    end
  end
end

--- Reads the records of a run.
---@param directory string
---@return spec.crash.History
function history.read(directory)
  local self = setmetatable({ records = {}, problems = {}, runs = 0 }, History)
  for name in lfs.dir(directory) do
    if name:find "^history%-" then read(self, directory .. "/" .. name) end
  end
  for _, record in ipairs(self.records) do
    if record.kind == "run" then self.runs = self.runs + 1 end
  end
  return self
end

--- Checks it: a list of problems, each of a kind: doubled, fencing, lease, lanes.
---@param options { leases?: boolean } false: the clocks of the store's leases were changed
---@return { kind: string, text: string }[]
function History:check(options)
  check_new(self)
  check_completed(self)
  check_fencing(self)
  check_lanes(self)
  if options.leases ~= false then check_leases(self) end
  return self.problems
end

return history
