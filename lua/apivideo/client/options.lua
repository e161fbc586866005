--- The options of a client, and their checks.

local call_options = require "apivideo.transport.call_options"
local checks = require "apivideo.util.checks"
local dictionary = require "apivideo.runtime.dictionary"
local host = require "apivideo.runtime.host"
local metrics = require "apivideo.runtime.metrics"
local spelling = require "apivideo.util.spelling"
local tables = require "apivideo.util.tables"
local user_agent = require "apivideo.client.user_agent"
local whitespace = require "apivideo.util.whitespace"

---@class apivideo.ClientOptions
---@field api_key? string from https://dashboard.api.video; this or access_token is required
---@field access_token? string sent as a bearer token; it is not renewed
---@field auth? "basic"|"bearer" default "basic": the key is sent with each call; bearer: the key is exchanged for tokens, which are renewed
---@field environment? "production"|"sandbox" default "production"; each has its own keys
---@field base_url? string takes precedence over the URL of `environment`, for instance of a local emulator
---@field timeout? number seconds for one attempt, default 30
---@field connect_timeout? number seconds for its connection, default 10
---@field total_timeout? number seconds for a call with all its attempts and waits, default 120
---@field retries? integer attempts after the first, default 3
---@field rate_limit? false|{ store?: apivideo.RateLimitStore } false: calls do not wait for the rate limit; a store, such as a shared dictionary of nginx, shares the counters with other clients
---@field app? { name: string, version: string } the application, for api.video's statistics
---@field sdk? { name: string, version: string } an SDK built on this library
---@field proxy? string URL; "" for none; default: that of the environment variables (https_proxy)
---@field ca_file? string certificates to trust instead of the system's: a PEM file, or a directory of hashed certificates; default: those of the environment variables CURL_CA_BUNDLE, or SSL_CERT_FILE and SSL_CERT_DIR
---@field client_cert? string the client's certificate, a PEM file
---@field client_key? string its private key, a PEM file
---@field http2? boolean default true: HTTP/2 is used where the server supports it
---@field headers? table<string, string> additional headers of each call, by name
---@field metrics? apivideo.Metrics counts the requests and the waits for the rate limit; default: they are not counted
---@field on_request? fun(request: apivideo.ObservedRequest) called before each attempt
---@field on_response? fun(response: apivideo.ObservedResponse) called after each attempt

local known = tables.merge(call_options.KINDS, {
  api_key = "string?", access_token = "string?", auth = "string?", environment = "string?",
  base_url = "string?", rate_limit = "boolean|table?", app = "table?", sdk = "table?", proxy = "string?",
  ca_file = "string?", client_cert = "string?", client_key = "string?", http2 = "boolean?",
  on_request = "function?", on_response = "function?", metrics = "table?",
})

local client_options = {}

--- The URL of each environment.
client_options.ENVIRONMENTS = {
  production = "https://ws.api.video",
  sandbox = "https://sandbox.api.video",
}

-- What is wrong with a key or token, or nil.
local function credential_problem(text)
  if text == "" then return "is empty; is the environment variable set from which it is read?" end
  local problem = whitespace.problem(text)
  if problem then return problem end
  return not text:find("^[!-~]+$") and "must be printable ASCII characters without whitespace" or nil
end

-- The messages contain no value: it may be a key.
local function authentication_problem(options)
  for _, name in ipairs { "api_key", "access_token" } do
    local problem = options[name] and credential_problem(options[name])
    if problem then return ('option "%s" %s'):format(name, problem) end
  end
  if options.api_key and options.access_token then
    return 'options "api_key" and "access_token" exclude each other'
  elseif options.access_token and options.auth == "basic" then
    return 'an access token is sent as a bearer token: remove option "auth"'
  elseif not options.access_token and options.auth and options.auth ~= "bearer" and options.auth ~= "basic" then
    return 'option "auth" must be "basic" or "bearer"'
  end
  return nil
end

-- The message shows a value only if it is similar to a name: another may be a key.
local function environment_problem(name)
  if not name or client_options.ENVIRONMENTS[name] then return nil end
  local near = spelling.nearest(name, { "production", "sandbox" })
  return 'option "environment" must be "production" or "sandbox"'
    .. (near and (', got "%s"; did you mean "%s"?'):format(name, near) or "")
end

--- What is wrong with a `base_url`, for after its name; otherwise nil.
---@param base_url string
---@return string? fault
---@return boolean? is_of_user whether it is a user or a password, for the remedy
function client_options.base_url_problem(base_url)
  local authority = base_url:match("^[hH][tT][tT][pP][sS]?://([^/?#]+)")
  if not authority then return "must begin with http:// or https:// and a host" end
  if authority:find("@", 1, true) then return "must not contain a user or a password", true end
  if base_url:find("[?#]") then return "must not contain a query or a fragment; remove what begins with ? or #" end
  if base_url:find("[%s%c\\]") then -- programs differ in whether a backslash is a slash
    return "must not contain whitespace, control characters or a backslash"
  end
  local is_host = authority:find("^[^:%[%]]+:?%d*$") or authority:find("^%[[%x:.]+%]:?%d*$")
  return not is_host and "must have a host, and a port that is a number, after http:// or https://" or nil
end

local function base_url_problem(options)
  if not options.base_url then return nil end
  local fault, is_of_user = client_options.base_url_problem(options.base_url)
  return fault and ('option "base_url" %s%s'):format(fault,
    is_of_user and '; use the option "api_key" or "access_token"' or "") or nil
end

local function connection_problem(options)
  if options.proxy and options.proxy ~= "" and not options.proxy:find("^%a[%w+.-]*://[^%s%c]+$") then
    return 'option "proxy" must be a URL such as "http://proxy.example:3128", or "" for none'
  elseif options.client_key and not options.client_cert then
    return 'option "client_key" needs "client_cert"'
  end
  for _, name in ipairs { "ca_file", "client_cert", "client_key" } do
    local path = options[name]
    if path and path:find("%c") then return ('option "%s" must be the path of a file'):format(name) end
  end
  return nil
end

local function check_rate_limit(rate_limit, level)
  if type(rate_limit) ~= "table" then return end
  checks.options('client: option "rate_limit"', rate_limit, { store = "table?" }, level + 2)
  if rate_limit.store then
    dictionary.check('client: option "rate_limit.store"', rate_limit.store, { "get", "set", "incr" }, level + 1)
  end
end

--- Checks the options of a client.
---@param options any
---@param level integer at which it raises, as seen from here
---@return apivideo.ClientOptions
function client_options.check(options, level)
  checks.options("client", options, known, level + 1)
  local problem
  if options.api_key == nil and options.access_token == nil then
    problem = 'option "api_key" is missing: get it from https://dashboard.api.video and pass it, for instance as'
      .. ' os.getenv "APIVIDEO_API_KEY"' .. host.variable_hint "APIVIDEO_API_KEY"
  end
  problem = problem or connection_problem(options) or environment_problem(options.environment)
    or base_url_problem(options) or authentication_problem(options)
    or options.app and user_agent.problem("app", options.app) or options.sdk and user_agent.problem("sdk", options.sdk)
    or options.headers and call_options.headers_problem(options.headers)
  if problem then error("client: " .. problem, level) end
  check_rate_limit(options.rate_limit, level)
  metrics.check("client", options.metrics, level + 1)
  return options
end

return client_options
