--- How calls authenticate: with the API key (Basic), with a given access token, or with tokens that are requested with
--- the key and renewed. https://docs.api.video/reference/authentication-guide

local errors = require "apivideo.error"
local json = require "apivideo.util.json"
local responses = require "apivideo.transport.response"
local runtime = require "apivideo.runtime"
local single_flight = require "apivideo.runtime.single_flight"

local RENEWAL_MARGIN_S = 60      -- before its expiry, at which a token is renewed
local RENEWAL_RETRY_S = 5        -- after a failed renewal, while the token is still valid
local RENEWAL_MAX_S = 30         -- after which a renewal without a response counts as lost
local DEFAULT_LIFETIME_S = 3600  -- of a token without a valid `expires_in`; api.video's tokens are valid for so long
local MIN_LIFETIME_S, MAX_LIFETIME_S = 1, 86400

---@class apivideo.Credentials
---@field username? string of Basic authentication
---@field token? string the access token
---@field secrets string[] what must not be shown
local Credentials = {}
Credentials.__index = Credentials
Credentials.__name = "apivideo.Credentials"

local function is_text(value)
  return type(value) == "string" and value:find("^[!-~]+$") ~= nil
end

-- A token that had expired when it arrived would be renewed forever, hence the minimum.
local function lifetime_of(tokens)
  local seconds = tokens.expires_in
  if type(seconds) ~= "number" then return DEFAULT_LIFETIME_S end
  return math.max(MIN_LIFETIME_S, math.min(seconds, MAX_LIFETIME_S))
end

local function store(self, tokens)
  local lifetime = lifetime_of(tokens)
  -- A token whose lifetime is shorter than two margins is renewed in the middle of it.
  self._renew_at = runtime.monotonic() + math.max(lifetime / 2, lifetime - RENEWAL_MARGIN_S)
  self._expires_at = runtime.monotonic() + lifetime
  self.token, self._refresh_token = tokens.access_token, tokens.refresh_token
  self.secrets = { self._api_key, self.token, is_text(self._refresh_token) and self._refresh_token or nil }
end

-- Requests tokens: true; or nil and an error.
local function request(self, path, body, retries)
  local tokens, err, response = self._request_tokens(path, json.encode(body), retries)
  if not tokens then
    if err.status == 400 then -- as documented; the guide to errors has 401
      err.kind, err.message = "unauthorized", err.message .. responses.credentials_hint(err.request.url)
    end
    return nil, err
  elseif tokens == true or not is_text(tokens.access_token) then
    return nil, errors.new("unexpected_response", "the response has no access token",
      { status = response.status, attempts = response.attempts,
        request = { method = "POST", url = self._base_url .. path } }, self.secrets)
  end
  store(self, tokens)
  return true
end

-- Requests new tokens with the refresh token, which is valid once, or otherwise with the key.
local function renew(self)
  local refresh_token = self._refresh_token
  self._refresh_token = nil
  if is_text(refresh_token)
    and request(self, "/auth/refresh", { refreshToken = refresh_token }, 0) then
    return true
  end
  local ok, err = request(self, "/auth/api-key", { apiKey = self._api_key })
  self._renew_at = ok and self._renew_at or runtime.monotonic() + RENEWAL_RETRY_S
  return ok, err
end

--- The renewal for which a call must wait before it is sent, or nil. There is one renewal for all calls; none waits
--- while the token is valid.
---@return apivideo.Latch|nil renewal opens with true and true; with true, nil and an error; or with false and the raised error
function Credentials:renewal()
  if not self._request_tokens then return nil end
  local now = runtime.monotonic()
  if self.token and now < self._renew_at then return nil end
  local renewal = self._renewals:start("token", renew, self)
  if self.token and now < self._expires_at then return nil end
  return renewal
end

--- Discards a token that api.video rejected.
---@param token? string
---@return boolean renewable whether a new token can be requested
function Credentials:reject(token)
  if not (self._request_tokens and token) then return false end
  if self.token == token then self.token = nil end
  return true
end

local credentials = {}

--- Credentials that send the key with each call.
---@param api_key string
---@return apivideo.Credentials
function credentials.basic(api_key)
  return setmetatable({ username = api_key, secrets = { api_key } }, Credentials)
end

--- Credentials of a given access token, which is not renewed.
---@param access_token string
---@return apivideo.Credentials
function credentials.token(access_token)
  return setmetatable({ token = access_token, secrets = { access_token } }, Credentials)
end

--- Credentials that request tokens with the key.
---@param api_key string
---@param base_url string
---@param request_tokens fun(path: string, body: string, retries?: integer): table|true|nil, apivideo.Error?, apivideo.Response? posts to /auth
---@return apivideo.Credentials
function credentials.bearer(api_key, base_url, request_tokens)
  return setmetatable({
    secrets = { api_key }, _api_key = api_key, _base_url = base_url, _request_tokens = request_tokens,
    _renewals = single_flight.new(RENEWAL_MAX_S),
  }, Credentials)
end

return credentials
