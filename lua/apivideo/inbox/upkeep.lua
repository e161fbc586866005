--- The periodic tasks of a worker: it renews leases, ends attempts that take too long, and purges.

local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local upkeep = {
  PURGE_INTERVAL_S = 60,
}

local PURGE_PAUSE_S = 0.01 -- between two batches: other processes share the store

local function report(raised)
  log.error("inbox: the worker failed: " .. failure.text(failure.parts(raised)))
end

-- Renews the leases of the attempts that are neither settled nor overdue. If the renewal of one attempt raises an
-- error, the others are renewed all the same.
local function renew(self)
  local attempts = {} -- a copy: the set changes during the calls of the store
  for attempt in pairs(self.under_way) do attempts[#attempts + 1] = attempt end
  for _, attempt in ipairs(attempts) do
    if self.under_way[attempt] and not attempt.is_settled and attempt.ends > runtime.monotonic() then
      local ok, result, err = protected.xpcall(attempt.claim.extend, failure.raised, attempt.claim)
      local is_over = attempt.is_settling and not result -- the settlement, which began after this call, ended the lease
      if not ok then report(result) elseif not is_over then self.inbox._counts:renewed(result, err) end
    end
  end
end

-- Replaces the tasks of overdue attempts. If nginx has no timer for that, the next round tries it.
local function end_overdue(self)
  local now, overdue = runtime.monotonic(), {}
  for attempt in pairs(self.under_way) do
    if attempt.ends <= now then overdue[#overdue + 1] = attempt end
  end
  for _, attempt in ipairs(overdue) do
    if not runtime.background(self.replace, self, attempt) then return end
  end
end

-- Removes the events that were handled longer ago than the option retention says, in batches.
local function purge(self)
  while not self:is_ending() and not self.ended:is_open() do
    local count = self.inbox._store:expire(self.inbox._retention)
    if not count or count == 0 then return end
    runtime.sleep(PURGE_PAUSE_S)
  end
end

local function run_purge(self)
  local ok, raised = protected.xpcall(purge, failure.raised, self)
  if not ok then report(raised) end
  self.is_purging = false
end

-- Starts a purge if one is due: in a separate task, since it may take longer than a lease.
local function start_purge(self)
  local now = runtime.monotonic()
  if self.is_purging or now - self.purged_at < upkeep.PURGE_INTERVAL_S then return end
  self.is_purging, self.purged_at = true, now
  if not runtime.background(run_purge, self) then self.is_purging = false end
end

--- Does one round.
---@param self table the worker
function upkeep.round(self)
  self.inbox._counts:count_in_flight()
  renew(self)
  end_overdue(self)
  start_purge(self)
  if self.inbox._spool then self.inbox._spool:wake() end
end

--- Seconds between two rounds.
---@param self table the worker
---@return number
function upkeep.interval(self)
  return math.min(self.lease / 3, self.handler_timeout / 3, upkeep.PURGE_INTERVAL_S)
end

return upkeep
