--- What all calls of a client share, made from its options.

local call = require "apivideo.transport.call"
local client_options = require "apivideo.client.options"
local credentials = require "apivideo.client.credentials"
local headers = require "apivideo.util.headers"
local rate_limit = require "apivideo.transport.rate_limit"
local retry = require "apivideo.transport.retry"
local signature = require("apivideo.core").signature
local tables = require "apivideo.util.tables"
local user_agent = require "apivideo.client.user_agent"

local DEFAULT_LIMITS = { timeout = 30, connect_timeout = 10, total_timeout = 120, retries = 3 }

local account = {}

local function credentials_of(given, self)
  if given.access_token then return credentials.token(given.access_token) end
  if given.auth ~= "bearer" then return credentials.basic(given.api_key) end
  return credentials.bearer(given.api_key, self.base_url, function(path, body, retries)
    return call.request_tokens(self, path, body, retries)
  end)
end

--- Creates an account.
---@param given apivideo.ClientOptions valid options
---@return apivideo.Account
function account.new(given)
  local base_url = given.base_url or client_options.ENVIRONMENTS[given.environment or "production"]
  local self = {
    base_url = base_url:gsub("/+$", ""), limits = {}, budget = retry.new_budget(),
    connection = { proxy = given.proxy, ca_file = given.ca_file, client_cert = given.client_cert,
      client_key = given.client_key, http2 = given.http2 },
    on_request = given.on_request, on_response = given.on_response,
  }
  self.credentials = credentials_of(given, self)
  -- A keyed hash: it identifies the account in a shared store, and does not reveal the key.
  self.name = signature.sign(self.base_url, given.api_key or given.access_token):sub(1, 16)
  if given.rate_limit ~= false then
    self.rate_limiter = rate_limit.new(self.name, type(given.rate_limit) == "table" and given.rate_limit.store or nil)
  end
  local own = user_agent.headers(given.app, given.sdk)
  own.Accept = "application/json"
  self.header_lines = headers.lines(own, given.headers)
  self.headers = tables.merge(own, given.headers)
  for name, default in pairs(DEFAULT_LIMITS) do self.limits[name] = given[name] or default end
  return self
end

return account
