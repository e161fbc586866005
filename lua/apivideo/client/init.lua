--- One account at api.video, in one environment.
--- https://docs.api.video/reference/authentication-guide

local call = require "apivideo.transport.call"
local call_options = require "apivideo.transport.call_options"
local captions = require "apivideo.resources.captions"
local credentials = require "apivideo.client.credentials"
local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local identity = require "apivideo.client.user_agent"
local json = require "apivideo.util.json"
local live_streams = require "apivideo.resources.live_streams"
local options = require "apivideo.util.options"
local rate_limit = require "apivideo.transport.rate_limit"
local retry = require "apivideo.transport.retry"
local signature = require("apivideo.core").signature
local summaries = require "apivideo.resources.summaries"
local url = require "apivideo.util.url"
local videos = require "apivideo.resources.videos"
local webhooks = require "apivideo.resources.webhooks"
local whitespace = require "apivideo.util.whitespace"

local environments = {
  production = "https://ws.api.video",
  sandbox = "https://sandbox.api.video",
}

local defaults = { timeout = 30, connect_timeout = 10, total_timeout = 120, retries = 3 }

---@class apivideo.Client
---@field base_url string
---@field account fun(): apivideo.Account
---@field rate_limit apivideo.RateLimit|nil the limits as the last answers told them; nil when they are not kept
---@field webhooks apivideo.Webhooks
---@field videos apivideo.Videos
---@field live_streams apivideo.LiveStreams
---@field captions apivideo.Captions
---@field summaries apivideo.Summaries
local Client = {}
Client.__index = Client

function Client:__tostring()
  return "apivideo.client (" .. self.base_url .. ")"
end

---@class apivideo.RequestArguments: apivideo.CallOptions
---@field query? table<string, string|number|boolean|table> a list is sent as `name[]=…`, another table as `name[key]=…`
---@field body? table|string a table is sent as JSON; a string is JSON already

--- Calls an endpoint, also one that this library has no function for.
---@param method string such as GET
---@param path string from the slash on, without a query
---@param arguments? apivideo.RequestArguments
---@param settle? fun(seconds: number): table|nil, apivideo.Error? for a POST: looks whether one whose answer did not come was carried out; what it made, or nothing; nil, err when that is not to be found out
---@return table|true|nil result the decoded body; true where there is none, and after DELETE
---@return apivideo.Error? err with the last `response`, if there was one
---@return apivideo.Response? response the answer itself; not after an error
function Client:request(method, path, arguments, settle)
  if getmetatable(self) ~= Client then
    error("client:request: call it with a colon, client:request(…)", 2)
  elseif type(method) ~= "string" or not method:find("^%u+$") then
    error("client:request: method must be a string such as \"GET\"", 2)
  elseif type(path) ~= "string" or not path:find("^/[^%s%c?#]*$") then
    error("client:request: path must be a string that begins with / and holds no query; use option \"query\"", 2)
  end
  local given = call_options.check("client:request", arguments, { query = "table?", body = "table|string?" })
  if settle ~= nil and type(settle) ~= "function" then
    error("client:request: settle must be a function, got " .. type(settle), 2)
  end
  local query, problem = "", nil
  if given.query then query, problem = url.encode_query(given.query) end
  if not query then error("client:request: option \"query\": " .. problem, 2) end
  local body = given.body
  if type(body) == "table" then
    local text, reason = json.encode(body)
    if not text then error("client:request: option \"body\" is no JSON: " .. reason, 2) end
    body = text
  end
  local made = call.new(self.account(), {
    method = method, url = self.base_url .. path .. (query ~= "" and "?" .. query or ""), body = body,
    options = given, settle = settle,
  })
  local result, err = made:run()
  if not result then return nil, errors.attach(err, "response", made.response) end
  return result, nil, made.response
end

local known = {
  api_key = "string?", access_token = "string?", auth = "string?", environment = "string?",
  base_url = "string?", timeout = "number?", connect_timeout = "number?", total_timeout = "number?",
  retries = "number?", rate_limit = "boolean|table?", app = "table?", sdk = "table?", proxy = "string?",
  ca_file = "string?", client_cert = "string?", client_key = "string?", http2 = "boolean?",
  headers = "table?", on_request = "function?", on_response = "function?",
}

local function misuse(message)
  error("client: " .. message, 5)
end

-- What is wrong with a base URL, or nil. A backslash is a slash for some programs and none for others.
local function problem_of(base_url)
  local host = base_url:match("^https?://([^/]+)") or ""
  if host:find("@", 1, true) then
    return "must hold no user and no password: credentials have options of their own"
  end
  local is_host = host:find("^[^:%[%]]+:?%d*$") or host:find("^%[[%x:.]+%]:?%d*$")
  return (not is_host or base_url:find("[%s%c?#\\]")) and "must be an http or https URL" or nil
end

local function base_url_of(given)
  local environment = given.environment or "production"
  if not environments[environment] then
    misuse('option "environment" must be "production" or "sandbox"')
  end
  local base_url = given.base_url or environments[environment]
  local problem = problem_of(base_url)
  if problem then misuse('option "base_url" ' .. problem) end
  return (base_url:gsub("/+$", ""))
end

-- What is wrong with a key or token, or nil.
local function credential_problem(text)
  if text == "" then return "is empty; is the environment variable set that it is read from?" end
  local problem = whitespace.problem(text)
  if problem then return problem end
  return not text:find("^[!-~]+$") and "must be printable characters without white space" or nil
end

local function credentials_of(given, base_url, exchange)
  for _, name in ipairs { "api_key", "access_token" } do
    local problem = given[name] and credential_problem(given[name])
    if problem then misuse(('option "%s" %s'):format(name, problem)) end
  end
  if given.api_key and given.access_token then
    misuse('options "api_key" and "access_token" exclude each other')
  elseif given.access_token then
    if given.auth == "basic" then misuse('an access token is shown as a bearer: leave option "auth" out') end
    return credentials.token(given.access_token)
  elseif given.auth == "bearer" then
    return credentials.bearer(given.api_key, base_url, exchange)
  elseif given.auth and given.auth ~= "basic" then
    misuse('option "auth" must be "basic" or "bearer"') -- and not the key, which the message would show
  end
  return credentials.basic(given.api_key)
end

local function rate_limit_of(given, account)
  if given.rate_limit == false then return nil end
  local own = type(given.rate_limit) == "table" and given.rate_limit or {}
  options.check("client: option \"rate_limit\"", own, { store = "table?" }, 5)
  for _, name in ipairs { "get", "set", "incr" } do
    if own.store and type(own.store[name]) ~= "function" then
      misuse('option "rate_limit.store" must have get, set and incr, as nginx\'s dictionaries have')
    end
  end
  return rate_limit.new(account, own.store)
end

local function check_reach(given)
  if given.proxy and given.proxy ~= "" and not given.proxy:find("^%a[%w+.-]*://[^%s%c]+$") then
    misuse('option "proxy" must be a URL such as "http://proxy.example:3128", or "" for none')
  elseif given.client_key and not given.client_cert then
    misuse('option "client_key" needs "client_cert"')
  end
  for _, name in ipairs { "ca_file", "client_cert", "client_key" } do
    if given[name] and given[name]:find("%c") then misuse(('option "%s" must be the path of a file'):format(name)) end
  end
end

local function account_of(given)
  check_reach(given)
  local account = {
    base_url = base_url_of(given), limits = {}, budget = retry.new_budget(),
    headers = identity.headers("client", given.app, given.sdk),
    reach = { proxy = given.proxy, ca_file = given.ca_file, client_cert = given.client_cert,
      client_key = given.client_key, http2 = given.http2 },
    on_request = given.on_request, on_response = given.on_response,
  }
  account.credentials = credentials_of(given, account.base_url, function(path, body, retries)
    return call.exchange(account, path, body, retries)
  end)
  account.name = signature.sign(account.base_url, given.api_key or given.access_token):sub(1, 16)
  account.rate_limit = rate_limit_of(given, account.name)
  account.headers.Accept = "application/json"
  account.lines = headers.lines(account.headers, given.headers)
  for name, value in pairs(given.headers or {}) do account.headers[name] = value end
  for name, default in pairs(defaults) do account.limits[name] = given[name] or default end
  return account
end

---@class apivideo.ClientOptions
---@field api_key? string from https://dashboard.api.video; this or access_token is required
---@field access_token? string a ready one, shown as a bearer; it is not renewed
---@field auth? "basic"|"bearer" default basic: the key is shown on each call; bearer: it is exchanged for tokens that are renewed
---@field environment? "production"|"sandbox" default production; each has its own keys
---@field base_url? string instead of the environment's, for instance a local api.video
---@field timeout? number seconds for one attempt, default 30
---@field connect_timeout? number seconds for its connection, default 10
---@field total_timeout? number seconds for a call with all its attempts and waits, default 120
---@field retries? integer attempts after the first, default 3
---@field rate_limit? false|{ store?: apivideo.RateLimitStore } false: calls do not wait for the limit; a store shares its counts, such as a dictionary of nginx
---@field app? { name: string, version: string } the application, for api.video's statistics
---@field sdk? { name: string, version: string } a kit built on this library
---@field proxy? string URL; "" for none; the environment's (https_proxy) without it
---@field ca_file? string certificates to trust instead of the system's, a PEM file
---@field client_cert? string the client's certificate, a PEM file
---@field client_key? string its private key, a PEM file
---@field http2? boolean default true: where the server offers it
---@field headers? table<string, string> more headers of each call, by name
---@field on_request? fun(request: apivideo.ObservedRequest) called before each attempt
---@field on_response? fun(response: apivideo.ObservedResponse) called after each attempt

--- Makes a client. Nothing is sent yet.
---@param given apivideo.ClientOptions
---@return apivideo.Client
local function new(given)
  options.check("client", given, known)
  if given.api_key == nil and given.access_token == nil then
    error('client: option "api_key" is missing: take it from https://dashboard.api.video and pass'
      .. ' it, for instance as os.getenv "APIVIDEO_API_KEY"', 2)
  end
  call_options.check_values("client", given, 3)
  local account = account_of(given)
  local self = setmetatable({
    base_url = account.base_url,
    account = function() return account end, -- in a function, so that no key is printed with the client
    rate_limit = account.rate_limit and rate_limit.view(account.rate_limit),
  }, Client)
  self.webhooks, self.videos, self.live_streams = webhooks.new(self), videos.new(self), live_streams.new(self)
  self.captions, self.summaries = captions.new(self), summaries.new(self)
  return self
end

return new
