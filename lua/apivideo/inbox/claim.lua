--- An event that was taken out of an inbox to be handled.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"

local MESSAGE = 1000 -- bytes that are kept of an error's message

---@class apivideo.Claim
---@field id integer the entry's
---@field attempt integer as in `delivery`, which the handlers may change
---@field event? apivideo.Event nil when the catalogue no longer takes it for one
---@field delivery apivideo.Delivery with `attempt`
---@field err? apivideo.Error why there is no event
local Claim = {}
Claim.__index = Claim

Claim.__tostring = function(self) return "apivideo.claim " .. self.id end

-- What the store said of a claim.
local function verdict(self, holds, err)
  if holds then return true end
  if holds == nil then return nil, err end
  return nil, errors.new("claim_lost", ("the lease of event %d ran out; somebody else has it, or will"):format(self.id))
end

local function text_of(err)
  return failure.text(err, nil, MESSAGE)
end

--- Renews the lease, for its whole time from now on.
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:extend()
  return verdict(self, self.store:extend(self.id, self.token, self.lease))
end

--- The event is handled.
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:complete()
  -- Where a worker has put a group that completes it with others.
  if self.completions then return verdict(self, self.completions:call(self)) end
  return verdict(self, self.store:complete(self.id, self.token))
end

--- The event is to be handled again.
---@param delay number seconds from now on
---@param err any why
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:retry(delay, err)
  if type(delay) ~= "number" or delay ~= delay or delay < 0 then
    error("claim:retry: seconds expected, a number from 0 on", 2)
  end
  return verdict(self, self.store:retry(self.id, self.token, delay, text_of(err)))
end

--- The event is given up: it is among the dead until somebody gives it another chance.
---@param err any why
---@return true|nil
---@return apivideo.Error? err `claim_lost` `store_unavailable`
function Claim:dead_letter(err)
  return verdict(self, self.store:dead_letter(self.id, self.token, text_of(err)))
end

local claim = {}

--- Makes one of what a store gave.
---@param inbox apivideo.Inbox
---@param entry apivideo.StoredEntry
---@param lease number seconds
---@return apivideo.Claim
function claim.new(inbox, entry, lease)
  local event, err = inbox.events:parse(entry.raw)
  local delivery = {
    event = event, webhookId = entry.webhookId, received_at = entry.received_at, raw = entry.raw,
    verified = entry.verified, origin = "webhook", attempt = entry.attempt,
  }
  delivery.key = event and inbox.events:key(event, entry.raw) or nil
  return setmetatable({
    id = entry.id, token = entry.token, attempt = entry.attempt, event = event, err = err, delivery = delivery,
    store = inbox.store, lease = lease,
  }, Claim)
end

return claim
