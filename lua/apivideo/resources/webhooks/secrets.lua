--- A cache of signature secrets by webhook id, also of ids without a secret; in this process, or in a dictionary that
--- nginx workers share.

local checks = require "apivideo.util.checks"
local dictionary = require "apivideo.runtime.dictionary"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local single_flight = require "apivideo.runtime.single_flight"

local MAX_STALE_S = 3600         -- for which an expired secret is used while it cannot be requested
local KNOWN_ID_S = 86400         -- for which the id of an existing webhook is remembered
local REFRESH_INTERVAL_S = 10    -- between two requests for an expired secret that is still used
local REQUEST_TIMEOUT_S = 6
local MAX_MISSING_PER_MINUTE = 20  -- requests for unknown ids whose response is not_found, or pending
local MAX_UNKNOWN_PER_MINUTE = 200 -- requests for unknown ids, until one of them is that of a webhook
local MINUTE_S = 60
local POLL_INTERVAL_S = 0.01     -- at which a worker checks for the result of another worker

local ID_MAX_BYTES = 100
local ORIGIN = { origin = "secrets" } -- of errors

local secrets = {
  ---@type function `webhooks.secret_source`: passed without a call, it looks like an application's function
  method = nil,
}

local last_id -- the last valid id: most deliveries have the same one, and patterns are slow in LuaJIT

--- Whether a value has the form of a webhook's id. Ids come from untrusted headers, so they are checked before they
--- become part of a URL, a dictionary's key, a log line or a store's entry. (Ranges of a pattern compare bytes; `%w`
--- would depend on the locale.)
---@param id any
---@return boolean
function secrets.is_webhook_id(id)
  if id == last_id and id ~= nil then return true end
  if type(id) ~= "string" or #id > ID_MAX_BYTES or not id:find "^webhook_[A-Za-z0-9_%-]+$" then return false end
  last_id = id
  return true
end

---@class apivideo.SecretsOptions
---@field ttl? number seconds for which a secret is cached, default 300
---@field miss_ttl? number seconds for which it is cached that an id has no secret, default 30
---@field store? apivideo.Dictionary the cache, such as a shared dictionary of nginx; default: this process's memory

---@class apivideo.Secrets
local Secrets = {}
Secrets.__index = Secrets
Secrets.__name = "apivideo.Secrets"

-- Outside of the object: printing its fields must not print secrets.
local states = setmetatable({}, { __mode = "k" })

Secrets.__tostring = function() return "apivideo.secrets" end

-- Keys of a dictionary, below the account's prefix. Ids and counters have key spaces of their own:
--   id:<id>          false for an id without a secret; or the time at which to request it again, and the secret
--   asking:<id>      while a worker requests the webhook
--   again:<id>       for REFRESH_INTERVAL_S after a worker requested it again
--   count:lookups    unknown ids requested in this minute whose response is not_found, or pending
--   count:questions  unknown ids requested in this minute, or since one of them was that of a webhook

local TIME_DIGITS = 14 -- of milliseconds

local function store_secret(state, id, secret)
  local refresh_at = ("%014.0f"):format(math.floor((runtime.monotonic() + state.ttl) * 1000))
  state.store:set(state.prefix .. "id:" .. id, refresh_at .. secret, state.ttl + MAX_STALE_S + KNOWN_ID_S)
end

local function store_missing(state, id)
  if state.miss_ttl > 0 then
    state.store:set(state.prefix .. "id:" .. id, false, state.miss_ttl)
  else
    state.store:delete(state.prefix .. "id:" .. id)
  end
end

-- Requests the webhook and stores the result: its secret; or nil, an error, and whether the webhook does not exist.
local function request(state, id)
  local webhook, err = state.fetch(id)
  if not webhook and err.kind == "not_found" then
    store_missing(state, id)
    return nil, nil, true
  elseif not webhook then
    return nil, err
  elseif type(webhook) ~= "table" or webhook.webhookId ~= id then
    return nil, errors.new("unexpected_response", "the response is not the webhook " .. id)
  end
  local secret = webhook.signatureSecret
  if type(secret) == "string" and secret ~= "" then
    store_secret(state, id, secret)
    return secret
  end
  store_missing(state, id) -- the webhook is older than signatures
  return nil
end

-- Requests a secret again while the cached one is used, unless that was done a short time ago.
local function refresh(state, id)
  if state.store:add(state.prefix .. "again:" .. id, true, REFRESH_INTERVAL_S) then
    state.flights:start(id, request, state, id)
  end
end

-- The cached secret of an id; false when it has none. When it must be requested: nil, and whether the webhook is known
-- to exist.
local function cached(state, id)
  local value = state.store:get(state.prefix .. "id:" .. id)
  if not value then return value, false end
  local late = runtime.monotonic() - tonumber(value:sub(1, TIME_DIGITS)) / 1000
  if late >= MAX_STALE_S then return nil, true end
  if late >= 0 then refresh(state, id) end
  return value:sub(TIME_DIGITS + 1)
end

-- Requests a webhook for which tasks wait. An unknown id was counted among the lookups; it stays counted only when the
-- response is not_found: failures of api.video must not use up the minute's budget.
local function request_first(state, id, is_known)
  local ok, secret, err, is_missing = protected.call(request, state, id)
  state.store:delete(state.prefix .. "asking:" .. id)
  if not is_known and not is_missing then state.store:incr(state.prefix .. "count:lookups", -1) end
  if not ok then error(secret, 0) end
  if secret then state.store:delete(state.prefix .. "count:questions") end
  return secret, err
end

-- Waits for the request of another worker.
local function wait_for_worker(state, id)
  local deadline = runtime.monotonic() + REQUEST_TIMEOUT_S
  repeat
    runtime.sleep(POLL_INTERVAL_S)
    local is_finished = not state.store:get(state.prefix .. "asking:" .. id)
    local secret = cached(state, id)
    if secret ~= nil then return secret or nil end
    if is_finished then return nil, errors.new("network", "another worker could not get the secret", ORIGIN) end
  until runtime.monotonic() > deadline
  return nil, errors.new("timeout", "another worker did not get the secret in time", ORIGIN)
end

-- Counts a request for an unknown id; false when there were too many.
local function count_unknown(state)
  local function count(name) return state.store:incr(state.prefix .. "count:" .. name, 1, 0, MINUTE_S) or 0 end
  return count "lookups" <= MAX_MISSING_PER_MINUTE and count "questions" <= MAX_UNKNOWN_PER_MINUTE
end

-- Starts to request an id, or to wait for the worker that does; nil when too many were requested.
local function start(state, id, is_known)
  local store, mark = state.store, state.prefix .. "asking:" .. id
  if not store:add(mark, true, REQUEST_TIMEOUT_S) then return state.flights:start(id, wait_for_worker, state, id) end
  if not is_known and not count_unknown(state) then
    store:delete(mark)
    return nil
  end
  return state.flights:start(id, request_first, state, id, is_known)
end

--- The name of the account.
---@private
---@return string
function Secrets:_account()
  return states[self].account
end

--- The secret of a webhook if it is cached; it is not requested.
---@param webhookId any as it came in the header
---@return string|nil secret
function Secrets:known(webhookId)
  checks.self(self, Secrets, "secrets", "known")
  return secrets.is_webhook_id(webhookId) and cached(states[self], webhookId) or nil
end

--- The secret of a webhook. Calls during a request for the same id wait for its result. An expired secret is used
--- while it is requested again, for an hour at most when the requests fail: a delivery must not be lost because the
--- API is slow or unavailable. Unknown ids are requested a few times a minute only: every client can send them.
---@param webhookId any as it came in the header
---@return string|nil secret nil when the webhook does not exist, or has no secret
---@return apivideo.Error? err when the request failed, or cannot be made now: those of every call except `not_found`; `store_unavailable` if the option `store` failed
function Secrets:resolve(webhookId)
  checks.self(self, Secrets, "secrets", "resolve")
  if not secrets.is_webhook_id(webhookId) then return nil end
  local state = states[self]
  local secret, is_known = cached(state, webhookId)
  if secret ~= nil then return secret or nil end
  local flight = state.flights:in_progress(webhookId) or start(state, webhookId, is_known)
  if not flight then
    return nil, errors.new("rate_limited", "too many unknown webhooks were requested in the last minute", ORIGIN)
  end
  local ok, err
  ok, secret, err = flight:wait(REQUEST_TIMEOUT_S)
  if ok then return secret, err end
  if ok == nil then return nil, errors.new("timeout", "no response with the secret arrived in time", ORIGIN) end
  return nil, errors.new("store_unavailable", failure.message(secret), ORIGIN) -- the option `store` raised
end

local KINDS = { ttl = "seconds>=0<=86400?", miss_ttl = "seconds>=0<=86400?", store = "table?" }

--- Creates a cache over a function that gets a webhook by its id.
---@param fetch fun(id: string): apivideo.Webhook|nil, apivideo.Error?
---@param options? apivideo.SecretsOptions
---@param account? string identifies the account in a shared dictionary; not a secret
---@return apivideo.Secrets
function secrets.new(fetch, options, account)
  options = checks.options("webhooks:secret_source", options or {}, KINDS, 4)
  if options.store then
    dictionary.check("webhooks:secret_source: option \"store\"", options.store,
      { "get", "set", "add", "incr", "delete" }, 3)
  end
  local self = setmetatable({}, Secrets)
  states[self] = {
    fetch = fetch,
    ttl = options.ttl or 300,
    miss_ttl = options.miss_ttl or 30,
    store = options.store or dictionary.new(),
    account = account or "",
    prefix = ("apivideo:%s:secrets:"):format(account or ""),
    flights = single_flight.new(REQUEST_TIMEOUT_S), -- requests of this process
  }
  return self
end

return secrets
