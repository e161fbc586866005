--- Signature secrets by webhook id: asked for once and kept, whether there was one or not; in this
--- process, or in a dictionary that the workers of nginx share.

local dictionary = require "apivideo.runtime.dictionary"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local options = require "apivideo.util.options"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local single_flight = require "apivideo.runtime.single_flight"

local STALE = 3600     -- seconds for which an expired secret serves while it cannot be asked for
local KEPT = 86400     -- seconds for which an id is known to be none that somebody made up
local REST = 10        -- seconds between two questions for a secret that serves meanwhile
local LONGEST = 6      -- seconds that a question may take
local LOOKUPS = 20     -- requests in a minute for unknown ids for which the answer is not_found, or pending
local QUESTIONS = 200  -- requests in a minute for unknown ids, until one of them turns out to be a webhook
local MINUTE = 60
local LONGEST_TTL = 86400
local PAUSE = 0.01     -- seconds between two looks whether another worker has its answer

local ID_MAX_BYTES = 100
local ORIGIN = { origin = "secrets" } -- of errors

local secrets = {}

local last_id -- the last one that passed: most deliveries name the same webhook, and a pattern is slow in LuaJIT

--- Whether a value has the form of a webhook's id. It comes from a header that anybody may send, so it is
--- checked before it becomes part of a URL, a dictionary's key, a log line or an entry of a store. (The ranges of
--- the pattern compare bytes; `%w` would depend on the locale.)
---@param id any
---@return boolean
function secrets.is_webhook_id(id)
  if id == last_id and id ~= nil then return true end
  if type(id) ~= "string" or #id > ID_MAX_BYTES or not id:find "^webhook_[A-Za-z0-9_%-]+$" then return false end
  last_id = id
  return true
end

---@class apivideo.SecretsOptions
---@field ttl? number seconds for which a secret is kept, default 300
---@field miss_ttl? number seconds for which an unknown id is remembered as such, default 30
---@field store? apivideo.Dictionary where they are kept, such as a shared dictionary of nginx; this process's memory without it

---@class apivideo.Secrets
local Secrets = {}
Secrets.__index = Secrets

-- No secret shows when the object is printed.
local states = setmetatable({}, { __mode = "k" })

Secrets.__tostring = function() return "apivideo.secrets" end

-- Keys of a dictionary, below the account's prefix. Ids and counters have key spaces of their own:
--   id:<id>          false for an id that is not a webhook's; or the time at which to request it again, and the secret
--   asking:<id>      while a worker requests the webhook
--   again:<id>       for REST seconds after a worker requested it again
--   count:lookups    unknown ids requested in this minute for which the answer is not_found, or pending
--   count:questions  unknown ids requested in this minute, or since one of them turned out to be a webhook

local WRITTEN_TIME = 14 -- digits of milliseconds

local function remember(state, id, secret)
  local ask_at = ("%014.0f"):format(math.floor((runtime.monotonic() + state.ttl) * 1000))
  state.store:set(state.prefix .. "id:" .. id, ask_at .. secret, state.ttl + STALE + KEPT)
end

local function remember_missing(state, id)
  if state.miss_ttl > 0 then
    state.store:set(state.prefix .. "id:" .. id, false, state.miss_ttl)
  else
    state.store:delete(state.prefix .. "id:" .. id)
  end
end

-- Requests the webhook and remembers the result: its secret; or nil, an error, and whether there is no such webhook.
local function ask(state, id)
  local webhook, err = state.fetch(id)
  if not webhook and err.kind == "not_found" then
    remember_missing(state, id)
    return nil, nil, true
  elseif not webhook then
    return nil, err
  elseif type(webhook) ~= "table" or webhook.webhookId ~= id then
    return nil, errors.new("unexpected_response", "the response is another webhook than " .. id)
  end
  local secret = webhook.signatureSecret
  if type(secret) == "string" and secret ~= "" then
    remember(state, id, secret)
    return secret
  end
  remember_missing(state, id) -- from before signatures
  return nil
end

-- Asks for a secret that serves meanwhile, unless somebody did so a short while ago.
local function ask_again(state, id)
  if state.store:add(state.prefix .. "again:" .. id, true, REST) then
    state.flights:start(id, ask, state, id)
  end
end

-- What is kept of an id: its secret, or false for one that is none. When it must be asked for: nil,
-- and whether there was such a webhook.
local function kept(state, id)
  local value = state.store:get(state.prefix .. "id:" .. id)
  if not value then return value, false end
  local late = runtime.monotonic() - tonumber(value:sub(1, WRITTEN_TIME)) / 1000
  if late >= STALE then return nil, true end
  if late >= 0 then ask_again(state, id) end
  return value:sub(WRITTEN_TIME + 1)
end

-- Requests a webhook for which other tasks wait. An unknown id was counted among the lookups; only one for which
-- the answer is not_found stays counted: a failure of api.video must not use up the minute's budget.
local function ask_first(state, id, is_known)
  local ok, secret, err, is_missing = protected.call(ask, state, id)
  state.store:delete(state.prefix .. "asking:" .. id)
  if not is_known and not is_missing then state.store:incr(state.prefix .. "count:lookups", -1) end
  if not ok then error(secret, 0) end
  if secret then state.store:delete(state.prefix .. "count:questions") end
  return secret, err
end

-- Waits for what another worker asks.
local function wait_for(state, id)
  local last = runtime.monotonic() + LONGEST
  repeat
    runtime.sleep(PAUSE)
    local answered = not state.store:get(state.prefix .. "asking:" .. id)
    local secret = kept(state, id)
    if secret ~= nil then return secret or nil end
    if answered then return nil, errors.new("network", "another worker could not get the secret", ORIGIN) end
  until runtime.monotonic() > last
  return nil, errors.new("timeout", "another worker has waited for the secret for too long", ORIGIN)
end

-- Counts an unknown id that is to be asked for. Whether it may be.
local function take_place(state)
  local function count(name) return state.store:incr(state.prefix .. "count:" .. name, 1, 0, MINUTE) or 0 end
  return count "lookups" <= LOOKUPS and count "questions" <= QUESTIONS
end

-- Starts to ask for an id, or to wait for the worker that does; nil when too many are asked for.
local function start(state, id, is_known)
  local store, mark = state.store, state.prefix .. "asking:" .. id
  if not store:add(mark, true, LONGEST) then return state.flights:start(id, wait_for, state, id) end
  if not is_known and not take_place(state) then
    store:delete(mark)
    return nil
  end
  return state.flights:start(id, ask_first, state, id, is_known)
end

--- The secret of a webhook if it is known here: it is not waited for.
---@param id any as it came in the header
---@return string|nil secret
function Secrets:known(id)
  return secrets.is_webhook_id(id) and kept(states[self], id) or nil
end

--- The secret of a webhook. Calls for an id that is being asked about wait for that answer; a secret
--- that is known goes on to serve while it is asked for again, for an hour at most when the question
--- fails: a delivery must not be lost because the API is slow or away. Ids that nobody has heard of
--- are asked for a few times a minute only: anybody can make them up.
---@param id any as it came in the header
---@return string|nil secret nil when there is no such webhook, or it has none
---@return apivideo.Error? err when the question failed, or cannot be asked now: try again later
function Secrets:resolve(id)
  if not secrets.is_webhook_id(id) then return nil end
  local state = states[self]
  local secret, is_known = kept(state, id)
  if secret ~= nil then return secret or nil end
  local answer = state.flights:under_way(id) or start(state, id, is_known)
  if not answer then
    return nil, errors.new("rate_limited", "too many unknown webhooks were requested in this minute", ORIGIN)
  end
  local ok, err
  ok, secret, err = answer:wait(LONGEST)
  if ok then return secret, err end
  if ok == nil then return nil, errors.new("timeout", "no response with the secret arrived in time", ORIGIN) end
  return nil, errors.new("network", failure.message(secret), ORIGIN)
end

local known = { ttl = "number?", miss_ttl = "number?", store = "table?" }

--- Makes a resolver over a function that gets a webhook by its id.
---@param fetch fun(id: string): apivideo.Webhook|nil, apivideo.Error?
---@param given? apivideo.SecretsOptions
---@param account? string what tells the account from others in a dictionary; no secret
---@return apivideo.Secrets
function secrets.new(fetch, given, account)
  given = options.check("webhooks:secrets", given or {}, known, 4)
  for _, name in ipairs { "ttl", "miss_ttl" } do
    if given[name] and not (given[name] >= 0 and given[name] <= LONGEST_TTL) then
      error(("webhooks:secrets: option \"%s\" must be a number of seconds from 0 to %d"):format(name, LONGEST_TTL), 3)
    end
  end
  if given.store then
    dictionary.check("webhooks:secrets: option \"store\"", given.store,
      { "get", "set", "add", "incr", "delete" }, 3)
  end
  local self = setmetatable({}, Secrets)
  states[self] = {
    fetch = fetch,
    ttl = given.ttl or 300,
    miss_ttl = given.miss_ttl or 30,
    store = given.store or dictionary.new(),
    prefix = ("apivideo:%s:secrets:"):format(account or ""),
    flights = single_flight.new(LONGEST), -- questions of this process
  }
  return self
end

return secrets
