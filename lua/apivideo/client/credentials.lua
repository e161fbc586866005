--- What a call shows to be let in: the API key (Basic), a ready access token, or tokens that are
--- exchanged for the key and renewed. https://docs.api.video/reference/authentication-guide

local answer = require "apivideo.transport.response"
local errors = require "apivideo.error"
local json = require "apivideo.util.json"
local runtime = require "apivideo.runtime"
local single_flight = require "apivideo.runtime.single_flight"

local MARGIN = 60  -- seconds before its end at which a token is renewed
local PATIENCE = 5 -- seconds after which that is tried again, while the token is good
local LONGEST = 30 -- seconds after which a renewal without an answer counts as lost
local LIFETIME = 3600 -- seconds that a token lives when nothing sensible is said; api.video's live for so long
local SHORTEST_LIFE, LONGEST_LIFE = 1, 86400

---@class apivideo.Credentials
---@field api_key? string
---@field username? string of Basic authentication
---@field token? string the access token to show
---@field secrets string[] what must not be printed
local Credentials = {}
Credentials.__index = Credentials

local function is_text(value)
  return type(value) == "string" and value:find("^[!-~]+$") ~= nil
end

-- How long a token lives, in seconds. One that was dead when it came would be renewed for ever.
local function lifetime_of(tokens)
  local said = tokens.expires_in
  if type(said) ~= "number" then return LIFETIME end
  return math.max(SHORTEST_LIFE, math.min(said, LONGEST_LIFE))
end

local function keep(self, tokens)
  local lifetime = lifetime_of(tokens)
  -- A token that lives for less than two margins is renewed in the middle of its life.
  self.renew_at = runtime.monotonic() + math.max(lifetime / 2, lifetime - MARGIN)
  self.ends_at = runtime.monotonic() + lifetime
  self.token, self.refresh_token = tokens.access_token, tokens.refresh_token
  self.secrets = { self.api_key, self.token, is_text(self.refresh_token) and self.refresh_token or nil }
end

-- Asks for tokens; true, or nil and an error.
local function exchange(self, path, body, retries)
  local tokens, err, response = self.ask(path, json.encode(body), retries)
  if not tokens then
    if err.status == 400 then -- as documented; the guide to errors has 401
      err.kind, err.message = "unauthorized", err.message .. answer.key_hint(err.request.url)
    end
    return nil, err
  elseif tokens == true or not is_text(tokens.access_token) then
    return nil, errors.new("unexpected_response", "the answer holds no access token",
      { status = response.status, attempts = response.attempts,
        request = { method = "POST", url = self.base_url .. path } }, self.secrets)
  end
  keep(self, tokens)
  return true
end

-- New tokens: for the refresh token, which serves once, or else for the key.
local function renew(self)
  local refresh_token = self.refresh_token
  self.refresh_token = nil
  if is_text(refresh_token)
    and exchange(self, "/auth/refresh", { refreshToken = refresh_token }, 0) then
    return true
  end
  local ok, err = exchange(self, "/auth/api-key", { apiKey = self.api_key })
  self.renew_at = ok and self.renew_at or runtime.monotonic() + PATIENCE
  return ok, err
end

--- The renewal that has to be waited for before a call can be sent, or nil. All calls wait for one; none
--- waits while the token is good.
---@return apivideo.Latch|nil renewal opens with true and true; with true, nil and an error; or with false and what was raised
function Credentials:renewal()
  if not self.ask then return nil end
  local now = runtime.monotonic()
  if self.token and now < self.renew_at then return nil end
  local renewal = self.renewals:start("token", renew, self)
  if self.token and now < self.ends_at then return nil end
  return renewal
end

--- Notes that a token was refused; whether another may be had.
---@param token? string
---@return boolean
function Credentials:refused(token)
  if not (self.ask and token) then return false end
  if self.token == token then self.token = nil end
  return true
end

local credentials = {}

--- Credentials that show the key on each call.
---@param api_key string
function credentials.basic(api_key)
  return setmetatable({ api_key = api_key, username = api_key, secrets = { api_key } }, Credentials)
end

--- Credentials of a ready access token, which is not renewed.
---@param access_token string
function credentials.token(access_token)
  return setmetatable({ token = access_token, secrets = { access_token } }, Credentials)
end

--- Credentials that exchange the key for tokens.
---@param api_key string
---@param base_url string
---@param ask fun(path: string, body: string, retries?: integer): table|true|nil, apivideo.Error?, apivideo.Response? posts to /auth
function credentials.bearer(api_key, base_url, ask)
  return setmetatable({
    api_key = api_key, base_url = base_url, ask = ask, secrets = { api_key }, renewals = single_flight.new(LONGEST),
  }, Credentials)
end

return credentials
