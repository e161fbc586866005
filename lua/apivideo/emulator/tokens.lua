--- /auth, and authentication: with the API key (Basic), or with an access token obtained for it (Bearer).
--- https://docs.api.video/reference/disposable-bearer-token-authentication

local core = require "apivideo.core"
local json = require "apivideo.util.json"
local problems = require "apivideo.emulator.problems"
local random = require "apivideo.util.random"
local runtime = require "apivideo.runtime"

---@class apivideo.emulator.Tokens
---@field private _api_key string
---@field private _basic string the API key as the credentials of Basic authentication
---@field private _lifetime_s number
---@field private _access table<string, number> access token -> monotonic time at which it expires
---@field private _refresh table<string, true> refresh tokens that are valid
local Tokens = {}
Tokens.__index = Tokens
Tokens.__name = "apivideo.emulator.Tokens"

local URL_SAFE = { ["+"] = "-", ["/"] = "_", ["="] = "" }

-- Base64 with the URL-safe alphabet, without padding (RFC 4648, section 5).
local function base64_url(bytes)
  return (core.base64(bytes):gsub("[+/=]", URL_SAFE))
end

-- A random string in the form of a JSON Web Token. Clients must treat it as opaque: the signature is random, too.
local function new_access_token(lifetime_s)
  local now = math.floor(runtime.now())
  local claims = json.encode { aud = "apivideo.emulator", iat = now, nbf = now, exp = now + lifetime_s }
  return table.concat({ base64_url('{"typ":"JWT","alg":"RS256"}'), base64_url(claims),
    base64_url(core.random(256)) }, ".")
end

-- Issues an access token and a refresh token. Removes the expired access tokens, so that the table stays small.
local function issue(self)
  local now = runtime.monotonic()
  for token, expires in pairs(self._access) do
    if expires <= now then self._access[token] = nil end
  end
  local seconds = math.ceil(self._lifetime_s)
  local access, refresh = new_access_token(seconds), "def50200" .. random.hex(64)
  self._access[access], self._refresh[refresh] = now + self._lifetime_s, true
  return { token_type = "Bearer", expires_in = seconds, access_token = access, refresh_token = refresh }
end

--- Whether an Authorization header has valid credentials.
---@param authorization any
---@return boolean
function Tokens:is_authorized(authorization)
  if type(authorization) ~= "string" then return false end
  -- Spelled out, because lower() and %a follow the locale. The scheme is ASCII, and its case does not matter.
  local basic = authorization:match("^[Bb][Aa][Ss][Ii][Cc] +(.*)$")
  if basic then return basic == self._basic end
  local token = authorization:match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(.*)$")
  return token ~= nil and (self._access[token] or 0) > runtime.monotonic()
end

--- Expires all access tokens. Refresh tokens stay valid.
function Tokens:expire()
  self._access = {}
end

--- Issues tokens for the API key.
---@param api_key string
---@return table? tokens nil if the key is wrong
function Tokens:authenticate(api_key)
  return api_key == self._api_key and issue(self) or nil
end

--- Issues tokens for a refresh token, which is invalid afterwards.
---@param refresh_token string
---@return table? tokens nil if the refresh token is invalid
function Tokens:refresh(refresh_token)
  if not self._refresh[refresh_token] then return nil end
  self._refresh[refresh_token] = nil
  return issue(self)
end

local tokens = {}

--- Creates the tokens of an account.
---@param api_key string
---@param lifetime_s number seconds that an access token is valid
---@return apivideo.emulator.Tokens
function tokens.new(api_key, lifetime_s)
  return setmetatable({
    _api_key = api_key, _basic = core.base64(api_key .. ":"), _lifetime_s = lifetime_s,
    _access = {}, _refresh = {},
  }, Tokens)
end

-- A route that issues tokens for the string attribute `name` of the request's body.
local function token_route(name, issue_for)
  return function(self, request)
    local body = json.decode(request.body)
    local problem = problems.check_string(body, name)
    if problem then return 400, problem end
    local issued = issue_for(self._tokens, body[name])
    if not issued then return 400, problems.invalid_credentials() end
    return 200, issued
  end
end

--- POST /auth/api-key
tokens.post_api_key = token_route("apiKey", Tokens.authenticate)

--- POST /auth/refresh
tokens.post_refresh = token_route("refreshToken", Tokens.refresh)

return tokens
