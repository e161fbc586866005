--- The option `dedupe` of a receiver: an event whose handlers have succeeded is not handled again within `ttl` seconds.
---
--- The entry of an event in the store is DONE, or the token of the delivery that claimed it: the one whose handlers are
--- running. `add` is atomic, so only one delivery claims an event. A claim expires: otherwise a process that crashes
--- would reject all later attempts of api.video. So handlers that run for longer may run twice at once. A failure of
--- the store never rejects a delivery: handled twice is better than lost.

local dictionary = require "apivideo.runtime.dictionary"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local protected = require "apivideo.util.pcall"
local random = require "apivideo.util.random"
local runtime = require "apivideo.runtime"
local sign = require("apivideo.core").signature.sign

local PREFIX = "apivideo:dedupe:"
local KEY_MAX_BYTES = 200 -- without the prefix and the scope; api.video's ids have about 25
local DONE = "done"
local TTL_S = 3600    -- default of the option ttl
-- Shorter than api.video's interval of 3 s, so that after a crash, its next attempt, maybe the last, finds the claim
-- expired. A whole number: Redis has no other EX.
local CLAIM_TTL_S = 2

---@alias apivideo.DedupeState
---| "claimed"     the caller runs the handlers
---| "duplicate"   the handlers have succeeded before
---| "in_progress" another delivery has claimed the event

---@class apivideo.Dedupe
---@field private _store apivideo.Dictionary
---@field private _ttl number
---@field private _failures integer of the store
---@field private _failing_since? number monotonic time
---@field private _prefix string of the keys
local Dedupe = {}
Dedupe.__index = Dedupe
Dedupe.__name = "apivideo.Dedupe"

local function log_failure(self, name, text)
  log.error(('receiver: option "dedupe.store": %s failed, so an event may be handled twice: %s'):format(name, text))
  self._failures, self._failing_since = self._failures + 1, self._failing_since or runtime.monotonic()
end

-- Logs that the store does not fail any more.
local function end_failures(self)
  log.warn(('receiver: option "dedupe.store": it works again, after %.1f s'):format(
    runtime.monotonic() - self._failing_since))
  self._failing_since = nil
end

-- The key of an event in the store: of limited length, because nginx's limit is 65535 bytes, and a sender that can sign
-- events, or any sender to a receiver that is unsigned, chooses the length. It has no webhook id: while a webhook is
-- rotated, two of them deliver each event.
local function entry_key(self, key)
  return self._prefix .. (#key <= KEY_MAX_BYTES and key or sign(key, PREFIX))
end

-- Calls a function of the store. Returns its result and nil; or nil and why it failed, which is logged.
local function call(self, name, ...)
  local store = self._store
  local ok, result, problem = protected.call(store[name], store, ...)
  if ok and (result or problem == nil or problem == "exists") then return result, nil end
  local text = failure.message(ok and problem or result)
  log_failure(self, name, text)
  return nil, text
end

--- Claims an event.
---@param key string of the event
---@return apivideo.DedupeState
---@return string? token of the claim, for `settle`; nil if the store failed
function Dedupe:claim(key)
  key = entry_key(self, key)
  local token = random.hex(8)
  for _ = 1, 2 do -- again if the entry expires, or is deleted, between add and get
    local is_added, problem = call(self, "add", key, token, CLAIM_TTL_S)
    if problem then return "claimed", nil end
    if is_added then return "claimed", token end
    local value
    value, problem = call(self, "get", key)
    if problem then return "claimed", nil end
    if value == DONE then return "duplicate" end
    if type(value) == "string" then return "in_progress" end
    if value ~= nil then break end
  end
  -- For instance the null of a Redis client. Rejected, the event would be lost.
  log_failure(self, "add", "nothing was added, and get returned no entry")
  return "claimed", nil
end

--- Records a success, or releases the claim after a failure.
---@param key string
---@param token string of the claim
---@param is_success boolean
function Dedupe:settle(key, token, is_success)
  key = entry_key(self, key)
  local failures = self._failures
  if is_success then
    call(self, "set", key, DONE, self._ttl)
  elseif call(self, "get", key) == token then -- not the entry of another delivery, after the claim has expired
    call(self, "delete", key)
  end
  if self._failing_since and self._failures == failures then end_failures(self) end
end

local dedupe = {}

---@param options apivideo.DedupeOptions
---@param scope string the entries of receivers with different scopes are separate in a shared store
---@return apivideo.Dedupe
function dedupe.new(options, scope)
  return setmetatable({
    _store = options.store or dictionary.new(), _ttl = options.ttl or TTL_S, _prefix = PREFIX .. scope .. ":",
    _failures = 0,
  }, Dedupe)
end

return dedupe
