--- A client of one account at api.video, in one environment. This room has what a client is made of: its options,
--- credentials, and headers. https://docs.api.video/reference/authentication-guide

local accounts = require "apivideo.client.account"
local call = require "apivideo.transport.call"
local call_options = require "apivideo.transport.call_options"
local captions = require "apivideo.resources.captions"
local checks = require "apivideo.util.checks"
local client_options = require "apivideo.client.options"
local constructor = require "apivideo.util.constructor"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local json = require "apivideo.util.json"
local live_streams = require "apivideo.resources.live_streams"
local members = require "apivideo.util.members"
local rate_limit = require "apivideo.transport.rate_limit"
local summaries = require "apivideo.resources.summaries"
local url = require "apivideo.util.url"
local videos = require "apivideo.resources.videos"
local webhooks = require "apivideo.resources.webhooks"

---@class apivideo.Client
---@field base_url string
---@field rate_limit apivideo.RateLimit|nil the limits as reported by the last responses; nil when calls do not wait for them
---@field webhooks apivideo.Webhooks
---@field videos apivideo.Videos
---@field live_streams apivideo.LiveStreams
---@field captions apivideo.Captions
---@field summaries apivideo.Summaries
---@field package _account fun(): apivideo.Account
local Client = {}
Client.__index = Client
Client.__name = "apivideo.Client"

function Client:__tostring()
  return "apivideo.client (" .. self.base_url .. ")"
end

---@class apivideo.RequestArguments: apivideo.CallOptions
---@field query? table<string, string|number|boolean|table> a list is sent as `name[]=…`, another table as `name[key]=…`
---@field body? table|string a table is sent as JSON; a string is JSON already

-- The body as text, and what is wrong with it.
local function body_text(body)
  if type(body) ~= "table" then return body end
  local text, reason = json.encode(body)
  return text, not text and 'option "body" cannot be sent as JSON: ' .. reason or nil
end

-- The query as text, "" without one, and what is wrong with it.
local function query_text(query)
  if not query then return "" end
  local text, reason = url.encode_query(query)
  if not text then return nil, 'option "query": ' .. reason end
  return text ~= "" and "?" .. text or ""
end

local function path_problem(method, path)
  if type(method) ~= "string" or not method:find("^%u+$") then
    return 'method must be a string such as "GET"'
  elseif type(path) ~= "string" or not path:find("^/[^%s%c?#]*$") then
    return 'path must be a string that begins with / and contains no query; use option "query"'
  end
  return nil
end

--- Calls an endpoint, also one for which this library has no function.
---@param method string such as GET
---@param path string begins with a slash, without a query
---@param arguments? apivideo.RequestArguments
---@param settle? fun(seconds: number): table|nil, apivideo.Error? for a POST, PUT or PATCH: finds out whether a request whose response was lost was processed. It returns what the request created; nothing when it created nothing; or nil, err when the outcome stays unknown
---@return table|true|nil result the decoded body; true when it is empty, and after DELETE
---@return apivideo.Error? err `invalid_request` `unauthorized` `forbidden` `not_found` `conflict` `rate_limited` `server_error`
---  `timeout` `network` `tls` `too_large` `unexpected_response` `cancelled` `wrong_phase`, with the last `response`, if there
---  was one
---@return apivideo.Response? response not after an error
function Client:request(method, path, arguments, settle)
  checks.self(self, Client, "client", "request")
  local problem = path_problem(method, path)
  if problem then error("client:request: " .. problem, 2) end
  local options = call_options.check("client:request", arguments, { query = "table?", body = "table|string?" })
  checks.value("client:request: settle", settle, "function?", 2)
  local query, body
  query, problem = query_text(options.query)
  if query then body, problem = body_text(options.body) end
  if problem then error("client:request: " .. problem, 2) end
  local request = call.new(self._account(), {
    method = method, url = self.base_url .. path .. query, body = body, options = options, settle = settle,
  })
  local result, err = request:run()
  if not result then return nil, errors.attach(err, "response", request.response) end
  return result, nil, request.response
end

local function create(options)
  client_options.check(options, 4)
  local _ = core.http -- loads libcurl now: in nginx, before it forks, if the client is created there
  local account = accounts.new(options)
  local self = setmetatable({
    base_url = account.base_url,
    _account = function() return account end, -- a function: printing the client's fields must not print the key
    rate_limit = account.rate_limiter and rate_limit.view(account.rate_limiter),
  }, Client)
  self.webhooks, self.videos, self.live_streams = webhooks.new(self), videos.new(self), live_streams.new(self)
  self.captions, self.summaries = captions.new(self), summaries.new(self)
  return self
end

--- Creates a client: `client.new(options)`, or `client(options)`. It sends nothing yet.
---@class apivideo.ClientModule
---@field new fun(options: apivideo.ClientOptions): apivideo.Client
---@overload fun(options: apivideo.ClientOptions): apivideo.Client
local client = {}

return constructor(members.strict("apivideo.client", client, Client), create)
