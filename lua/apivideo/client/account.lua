--- What all calls of a client share, made from its options.

local ascii = require "apivideo.util.ascii"
local call = require "apivideo.transport.call"
local call_metrics = require "apivideo.transport.call_metrics"
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

local function credentials_of(options, self)
  if options.access_token then return credentials.token(options.access_token) end
  if options.auth ~= "bearer" then return credentials.basic(options.api_key) end
  return credentials.bearer(options.api_key, self.base_url, function(path, body, retries)
    return call.request_tokens(self, path, body, retries)
  end)
end

--- Creates an account.
---@param options apivideo.ClientOptions valid options
---@return apivideo.Account
function account.new(options)
  local base_url = options.base_url or client_options.ENVIRONMENTS[options.environment or "production"]
  local self = {
    base_url = base_url:gsub("/+$", ""):gsub("^%a+", ascii.lower), limits = {}, budget = retry.new_budget(),
    connection = { proxy = options.proxy, ca_file = options.ca_file, client_cert = options.client_cert,
      client_key = options.client_key, http2 = options.http2 },
    on_request = options.on_request, on_response = options.on_response,
    counts = options.metrics and call_metrics.new(options.metrics) or nil,
  }
  self.credentials = credentials_of(options, self)
  -- A keyed hash: it identifies the account in a shared store, and does not reveal the key.
  self.name = signature.sign(self.base_url, options.api_key or options.access_token):sub(1, 16)
  local limit = options.rate_limit
  if limit ~= false then
    self.rate_limiter = rate_limit.new(self.name, type(limit) == "table" and limit.store or nil)
  end
  local own = user_agent.headers(options.app, options.sdk)
  own.Accept = "application/json"
  self.header_lines = headers.lines(own, options.headers)
  self.headers = tables.merge(own, options.headers)
  for name, default in pairs(DEFAULT_LIMITS) do self.limits[name] = options[name] or default end
  return self
end

return account
