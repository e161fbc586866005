--- /auth, and who is let in: with the key, or with a token that it was exchanged for.
--- https://docs.api.video/reference/disposable-bearer-token-authentication

local base64 = require "apivideo.emulator.base64"
local core = require "apivideo.core"
local json = require "apivideo.util.json"
local problems = require "apivideo.emulator.problems"
local runtime = require "apivideo.runtime"

---@class apivideo.emulator.Tokens
local Tokens = {}
Tokens.__index = Tokens

-- A text of the form of a JSON web token. Nobody can guess it; there is nothing to verify in it.
local function new_access_token(lifetime)
  local now = math.floor(runtime.now())
  local claims = json.encode { aud = "apivideo.emulator", iat = now, nbf = now, exp = now + lifetime }
  return table.concat({ base64.encode_url('{"typ":"JWT","alg":"RS256"}'), base64.encode_url(claims),
    base64.encode_url(core.random(256)) }, ".")
end

local function new_refresh_token()
  return "def50200" .. core.random(64):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
end

-- Makes an access token and a refresh token; forgets the access tokens that are over.
local function issue(self)
  local now = runtime.monotonic()
  for token, ends in pairs(self.access) do
    if ends <= now then self.access[token] = nil end
  end
  local seconds = math.ceil(self.lifetime)
  local access, refresh = new_access_token(seconds), new_refresh_token()
  self.access[access], self.refresh[refresh] = now + self.lifetime, true
  return { token_type = "Bearer", expires_in = seconds, access_token = access, refresh_token = refresh }
end

--- Whether an Authorization header lets a request in.
---@param authorization any
---@return boolean
function Tokens:allow(authorization)
  if type(authorization) ~= "string" then return false end
  -- Letter by letter: lower() and %a follow the locale, and a scheme is ASCII in any case.
  local basic = authorization:match("^[Bb][Aa][Ss][Ii][Cc] +(.*)$")
  if basic then return basic == self.basic end
  local token = authorization:match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(.*)$")
  return token ~= nil and (self.access[token] or 0) > runtime.monotonic()
end

--- Ends all access tokens. Refresh tokens live on.
function Tokens:expire()
  self.access = {}
end

local tokens = {}

--- Makes the tokens of an account.
---@param api_key string
---@param lifetime number seconds
---@return apivideo.emulator.Tokens
function tokens.new(api_key, lifetime)
  return setmetatable({
    api_key = api_key, basic = base64.encode(api_key .. ":"), lifetime = lifetime,
    access = {}, refresh = {},
  }, Tokens)
end

--- POST /auth/api-key
function tokens.authenticate(self, request)
  local body = json.decode(request.body)
  local problem = problems.of_text(body, "apiKey")
  if problem then return 400, problem end
  if body.apiKey ~= self.tokens.api_key then return 400, problems.invalid_credentials() end
  return 200, issue(self.tokens)
end

--- POST /auth/refresh: the refresh token is dead after it.
function tokens.renew(self, request)
  local body = json.decode(request.body)
  local problem = problems.of_text(body, "refreshToken")
  if problem then return 400, problem end
  local refresh = self.tokens.refresh
  if not refresh[body.refreshToken] then return 400, problems.invalid_credentials() end
  refresh[body.refreshToken] = nil
  return 200, issue(self.tokens)
end

return tokens
