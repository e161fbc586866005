--- Signature secrets by webhook id: asked for once and kept, whether there was one or not.

local errors = require "apivideo.error"
local options = require "apivideo.options"
local runtime = require "apivideo.runtime"
local single_flight = require "apivideo.single_flight"

local MAX_MISSES = 1000 -- ids that somebody made up
local STALE = 3600     -- seconds for which an expired secret serves while it cannot be asked for

local secrets = {}

--- Whether a text can be a webhook's id. It comes from a header that anybody may send, so it is
--- checked before it becomes part of a URL.
---@param id any
---@return boolean
function secrets.is_webhook_id(id)
  return type(id) == "string" and #id <= 100 and id:find("^webhook_[%w_%-]+$") ~= nil
end

---@class apivideo.SecretsOptions
---@field ttl? number seconds for which a secret is kept, default 300
---@field miss_ttl? number seconds for which an unknown id is remembered as such, default 30

---@class apivideo.Secrets
local Secrets = {}
Secrets.__index = Secrets

-- No secret shows when the object is printed.
local states = setmetatable({}, { __mode = "k" })

function Secrets:__tostring()
  return ("apivideo.secrets (%d unknown ids)"):format(states[self].misses)
end

local function remember(state, id, secret)
  state.missing[id] = nil
  state.known[id] = { secret = secret, expires = runtime.monotonic() + state.ttl }
end

-- Anybody can make up ids: those are kept apart, so that no secret is forgotten for them.
local function remember_missing(state, id)
  if state.misses >= MAX_MISSES then state.missing, state.misses = {}, 0 end
  if not state.missing[id] then state.misses = state.misses + 1 end
  state.missing[id] = runtime.monotonic() + state.miss_ttl
end

-- Asks for the webhook and keeps the answer.
local function ask(state, id)
  local webhook, err = state.fetch(id)
  if not webhook and err.kind == "not_found" then
    state.known[id] = nil
    remember_missing(state, id)
    return nil
  elseif not webhook then
    return nil, err
  elseif type(webhook) ~= "table" or webhook.webhookId ~= id then
    return nil, errors.new("unexpected_response", "the answer is another webhook than " .. id)
  end
  local secret = webhook.signatureSecret
  if type(secret) == "string" and secret ~= "" then
    remember(state, id, secret)
    return secret
  end
  remember_missing(state, id) -- from before signatures
  return nil
end

--- The secret of a webhook. Calls for an id that is being asked about wait for that answer; a secret
--- that is known goes on to serve while it is asked for again, for an hour at most when the question
--- fails: a delivery must not be lost because the API is slow or away.
---@param id any as it came in the header
---@return string|nil secret nil when there is no such webhook, or it has none
---@return apivideo.Error? err when the question failed: try again later
function Secrets:resolve(id)
  local state, now = states[self], runtime.monotonic()
  if not secrets.is_webhook_id(id) then return nil end
  if state.missing[id] and now < state.missing[id] then return nil end
  local known = state.known[id]
  if known and now < known.expires + STALE then
    if now >= known.expires then state.asking:start(id, ask, state, id) end
    return known.secret
  end
  local ok, secret, err = state.asking:start(id, ask, state, id):wait()
  if ok then return secret, err end
  return nil, errors.new("network", tostring(secret))
end

--- Makes a resolver over a function that gets a webhook by its id.
---@param fetch fun(id: string): apivideo.Webhook|nil, apivideo.Error?
---@param given? apivideo.SecretsOptions
---@return apivideo.Secrets
function secrets.new(fetch, given)
  given = options.check("webhooks:secrets", given or {}, { ttl = "number?", miss_ttl = "number?" }, 4)
  for _, name in ipairs { "ttl", "miss_ttl" } do
    if given[name] and given[name] < 0 then
      error(("webhooks:secrets: option \"%s\" must be a number of seconds from 0 on"):format(name), 3)
    end
  end
  local self = setmetatable({}, Secrets)
  states[self] = {
    fetch = fetch,
    ttl = given.ttl or 300,
    miss_ttl = given.miss_ttl or 30,
    known = {},                -- id -> { secret, expires }
    missing = {}, misses = 0,  -- id -> until when
    asking = single_flight.new(),
  }
  return self
end

return secrets
