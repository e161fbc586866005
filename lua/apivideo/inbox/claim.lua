--- An event that a worker has claimed from an inbox.

local attempts = require "apivideo.inbox.attempts"
local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local derived_delivery = require "apivideo.events.derived_delivery"
local failure = require "apivideo.util.failure"
local items = require "apivideo.inbox.item"
local runtime = require "apivideo.runtime"

local STORED_MAX_BYTES = 1000 -- of an error's message

---@class apivideo.Claim
---@field id integer the entry's
---@field token integer the fencing token: the store rejects a claim whose token is not the latest
---@field attempt integer as in `delivery`, which the handlers may change
---@field event? apivideo.Event nil if the catalogue can no longer parse it
---@field delivery apivideo.Delivery with `attempt`
---@field err? apivideo.Error why there is no event
---@field type? string of its event
---@field probe? number its type is paused, and this is a probe; the seconds until the next one
local Claim = {}
Claim.__index = Claim
Claim.__name = "apivideo.Claim"

Claim.__tostring = function(self) return "apivideo.claim " .. self.id end

-- The result of a method, from what the store returned.
local function result_of(self, is_held, err)
  if is_held then return true end
  if is_held == nil then return nil, err end
  return nil, errors.new("claim_lost",
    ("the lease of event %d expired; another worker has claimed the event, or will"):format(self.id))
end

local function text_of(err)
  return failure.text(err, nil, STORED_MAX_BYTES)
end

-- The attempts of the entry with this one, as the store keeps them.
local function attempts_with(self, problem)
  return attempts.add(self._entry.attempts, {
    at = self._began_at, seconds = math.max(0, runtime.monotonic() - self._began),
    error = problem, traceback = self._traceback,
  })
end

--- Renews the lease: its full time starts now.
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:extend()
  checks.self(self, Claim, "claim", "extend")
  return result_of(self, self._store:extend(self.id, self.token, self._lease, self.probe and self.type))
end

--- Settles the event as handled.
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:complete()
  checks.self(self, Claim, "claim", "complete")
  local inbox, is_held, err = self._inbox
  self.attempts = attempts_with(self)
  if self._completions then
    is_held, err = self._completions:call { id = self.id, token = self.token, items = self.items,
      attempts = self.attempts, retains = self.retains }
  else
    is_held, err = self._store:complete(self.id, self.token, self.items, inbox._window, self.attempts,
      self.retains)
  end
  if is_held and self.items then inbox:_announce() end
  return result_of(self, is_held, err)
end

--- Settles the event as failed: it is handled again after a delay.
---@param delay number seconds from now
---@param err any why
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:retry(delay, err)
  checks.self(self, Claim, "claim", "retry")
  checks.value("claim:retry: delay", delay, "seconds>=0", 2)
  local text = text_of(err)
  return result_of(self, self._store:retry(self.id, self.token, delay, text, attempts_with(self, text)))
end

--- Settles the event as a dead letter, which is handled again only after `inbox:redrive`.
---@param err any why
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:dead_letter(err)
  checks.self(self, Claim, "claim", "dead_letter")
  local text = text_of(err)
  return result_of(self, self._store:dead_letter(self.id, self.token, text, attempts_with(self, text)))
end

--- Whether the store has this attempt in its record of the event: with the claim, only this claim can write it.
---@private
---@return boolean
function Claim:_is_settled()
  local entries = self._store:list({ id = self.id }, { limit = 1, detailed = true })
  local entry = entries and entries[1]
  if not entry or entry.token ~= self.token then return false end
  local list = attempts.read(entry.attempts)
  local last = list[#list]
  return last ~= nil and math.abs(last.at - self._began_at) < 0.002 -- it is rounded to milliseconds
end

--- Whether the store no longer has the event, so that it will not be handled again. After a loss of all data, another
--- event may have its id.
---@private
---@return boolean false, too, if the store is unavailable
function Claim:_is_gone()
  local entries = self._store:list({ id = self.id }, { limit = 1 })
  if not entries then return false end
  return not entries[1] or math.abs(entries[1].received_at - self._entry.received_at) >= 1e-6
end

--- Puts derived events in the step that completes the event.
---@private
---@param list apivideo.Event[]
function Claim:_complete_with(list)
  self.items = {}
  for i, event in ipairs(list) do
    local delivery = derived_delivery.new(self._inbox.events, event, self._entry)
    self.items[i] = items.new(self._inbox, delivery.event, nil, delivery)
  end
end

--- Adds the tracebacks of errors to the record of this attempt.
---@private
---@param errs any[]
---@param tracebacks? table<integer, string>
function Claim:_add_tracebacks(errs, tracebacks)
  self._traceback = attempts.traceback_of(errs, tracebacks)
end

--- Completes the event in a transaction that it shares with others.
---@private
---@param completions apivideo.inbox.Group
function Claim:_complete_in(completions)
  self._completions = completions
end

local claim = {
  LEASE_S = 30, -- default of the option lease
}

--- Creates the claim of an entry.
---@param inbox apivideo.Inbox
---@param entry apivideo.StoredEntry
---@param lease number seconds
---@return apivideo.Claim
function claim.new(inbox, entry, lease)
  local event, err = inbox.events:_parse_entry(entry)
  local delivery = {
    event = event, webhook_id = entry.webhook_id, received_at = entry.received_at, raw = entry.raw,
    verified = entry.verified, origin = entry.origin, attempt = entry.attempt, replay = entry.replay,
  }
  delivery.key = event and inbox.events:key(event, entry.raw) or nil
  return setmetatable({
    id = entry.id, token = entry.token, attempt = entry.attempt, event = event, err = err, delivery = delivery,
    type = event and event.type, probe = entry.probe, -- handlers may change `event`
    retains = inbox._retains_bodies, _inbox = inbox, _store = inbox._store, _lease = lease,
    _entry = entry, _type = event and event.type or "other", -- handlers may change `delivery`
    _began_at = runtime.now(), _began = runtime.monotonic(),
  }, Claim)
end

return claim
