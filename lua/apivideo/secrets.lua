--- Signature secrets by webhook id: asked for once and kept, whether there was one or not.

local errors = require "apivideo.error"
local options = require "apivideo.options"
local protected = require "apivideo.pcall"
local runtime = require "apivideo.runtime"

local MAX_ENTRIES = 1000 -- an account has some ten webhooks; the rest are ids that somebody made up

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
  return ("apivideo.secrets (%d webhooks)"):format(states[self].count)
end

local function remember(state, id, secret, ttl)
  if not state.entries[id] then
    if state.count >= MAX_ENTRIES then state.entries, state.count = {}, 0 end
    state.count = state.count + 1
  end
  state.entries[id] = { secret = secret, expires = runtime.monotonic() + ttl }
end

-- Asks for the webhook and keeps the answer. A secret that is known goes on to serve when the
-- question fails: a delivery must not be lost because the API is.
local function ask(state, id)
  local webhook, err = state.fetch(id)
  local known = state.entries[id]
  if webhook then
    remember(state, id, webhook.signatureSecret, state.ttl)
    return webhook.signatureSecret
  elseif err.kind == "not_found" then
    remember(state, id, nil, state.miss_ttl)
    return nil
  elseif known and known.secret then
    remember(state, id, known.secret, state.miss_ttl)
    return known.secret
  end
  return nil, err
end

--- The secret of a webhook. Calls for an id that is being asked about wait for that answer.
---@param id any as it came in the header
---@return string|nil secret nil when there is no such webhook, or it has none
---@return apivideo.Error? err when the question failed: try again later
function Secrets:resolve(id)
  local state = states[self]
  if not secrets.is_webhook_id(id) then return nil end
  local entry = state.entries[id]
  if entry and runtime.monotonic() < entry.expires then return entry.secret end
  if state.asking[id] then return state.asking[id]:wait() end
  local answer = runtime.latch()
  state.asking[id] = answer
  local ok, secret, err = protected.call(ask, state, id)
  state.asking[id] = nil
  if not ok then secret, err = nil, errors.new("network", tostring(secret)) end
  answer:open(secret, err)
  return secret, err
end

--- Makes a resolver over a function that gets a webhook by its id.
---@param fetch fun(id: string): apivideo.Webhook|nil, apivideo.Error?
---@param given? apivideo.SecretsOptions
---@return apivideo.Secrets
function secrets.new(fetch, given)
  given = options.check("secrets", given or {}, { ttl = "number?", miss_ttl = "number?" })
  local self = setmetatable({}, Secrets)
  states[self] = {
    fetch = fetch,
    ttl = given.ttl or 300,
    miss_ttl = given.miss_ttl or 30,
    entries = {}, count = 0, -- id -> { secret?, expires }
    asking = {},             -- id -> latch
  }
  return self
end

return secrets
