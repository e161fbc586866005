--- The web page of a receiver and its inbox: what arrived, what became of it, and what failed. It is served on a port of
--- its own, or in a location of nginx: never by the receiver.

local access = require "apivideo.page.access"
local catalogue = require "apivideo.events"
local checks = require "apivideo.util.checks"
local constructor = require "apivideo.util.constructor"
local deliveries = require "apivideo.page.deliveries"
local inbox_routes = require "apivideo.page.inbox"
local inboxes = require "apivideo.inbox"
local log = require "apivideo.runtime.log"
local nginx = require "apivideo.page.nginx"
local nginx_response = require "apivideo.runtime.nginx_response"
local protected = require "apivideo.util.pcall"
local recorders = require "apivideo.page.recorder"
local responses = require "apivideo.page.responses"
local failure = require "apivideo.util.failure"
local version = require "apivideo.version"

local MAX_BODY_BYTES = 2 * 1024 * 1024 -- of a request to the page
local TOKEN_MIN_BYTES = 16

---@class apivideo.Page
---@field max_body integer bytes of a request
---@field private _receiver? apivideo.Receiver
---@field private _inbox? apivideo.Inbox
---@field private _forward_to? string
---@field private _forward_to_shown? string without the name and the password, which a URL may have
---@field private _can_write boolean
---@field private _recorder apivideo.page.Recorder
local Page = {}
Page.__index = Page
Page.__name = "apivideo.Page"

Page.__tostring = function(self) return "apivideo.page" .. (self._can_write and " (write)" or " (read-only)") end

local tokens = setmetatable({}, { __mode = "k" }) -- page -> its token, which is not printed with the object

local function get_state(self)
  local recorder = self._recorder
  return responses.json(200, {
    version = version, instance = recorder.instance, write = self._can_write, receiver = self._receiver ~= nil,
    inbox = self._inbox ~= nil, forward_to = self._forward_to_shown,
  })
end

local ROUTES = { { "GET", "^state$", get_state } }
for _, routes in ipairs { deliveries, inbox_routes } do
  for _, route in ipairs(routes) do ROUTES[#ROUTES + 1] = route end
end

local function respond_api(self, incoming, path)
  local method, is_known = incoming.method == "HEAD" and "GET" or incoming.method, false
  for _, route in ipairs(ROUTES) do
    local first, second = path:match(route[2])
    if first and route[1] == method then return route[3](self, incoming, first, second) end
    is_known = is_known or first ~= nil
  end
  if is_known then return responses.error(405, "the method is not allowed") end
  return responses.error(404, "no such path", "not_found")
end

local function respond_page(method)
  if access.is_read(method) then return responses.page() end
  return responses.error(405, "the method is not allowed")
end

-- Responds to a request. The page ends with `/`, and the API is below it in `api/`; before it, there may be the path
-- of a location.
local function respond(self, incoming)
  local is_page = incoming.path:sub(-1) == "/"
  local api_path = not is_page and incoming.path:match "^.*/api/(.*)$"
  local token = tokens[self]
  local problem, status = access.check(incoming, token, self._can_write, is_page)
  if problem then
    if api_path then return responses.error(status, problem) end
    return responses.text(status, "apivideo: " .. problem .. "\n")
  elseif api_path then
    return respond_api(self, incoming, api_path)
  elseif is_page then
    return respond_page(incoming.method)
  end
  return responses.text(404, "Not found. The page is at /\n")
end

-- Responds 500 if that fails, without the cause, which is logged.
local function respond_protected(self, incoming)
  local ok, status, headers, body = protected.call(respond, self, incoming)
  if ok then return status, headers, body end
  log.error("page: a response failed: " .. failure.message(status))
  return responses.error(500, "the page failed; its log has the cause", "server_error")
end

-- The fields of the argument of page:receive, and their kinds.
local INCOMING = { "query", "table?", "body", "string?", "peer", "string?", "method", "string", "headers", "table",
  "path", "string" }

--- Responds to one request to the page, however it arrived.
---@param incoming { method: string, path: string, query?: table, headers: table<string, string|string[]>, body?: string, peer?: string } as a server passes it: `peer` is the client's address, without which a page without a token rejects the request
---@return integer status
---@return table<string, string> headers
---@return string body
function Page:receive(incoming)
  checks.self(self, Page, "page", "receive")
  if type(incoming) ~= "table" then
    error("page:receive: a table { method = …, path = …, headers = …, peer = … } expected", 2)
  end
  for i = 1, #INCOMING, 2 do
    checks.value("page:receive: " .. INCOMING[i], incoming[INCOMING[i]], INCOMING[i + 1], 2)
  end
  local request = { method = incoming.method, path = incoming.path, query = incoming.query or {},
    headers = incoming.headers, body = incoming.body, peer = incoming.peer }
  return respond_protected(self, request)
end

--- Responds to the current request of nginx, in a location that ends with `/`.
function Page:nginx()
  checks.self(self, Page, "page", "nginx")
  nginx.check_phase()
  local request, status = nginx.read(self.max_body)
  if not request then return nginx_response.send(responses.error(status, "the body cannot be read")) end
  return nginx_response.send(respond_protected(self, request))
end

--- The URL of the page with its token, for a browser.
---@param base string the URL of its server, such as `server.url`
---@return string
function Page:url(base)
  checks.self(self, Page, "page", "url")
  checks.value("page:url: base", base, "string", 2)
  local token = tokens[self]
  return base:gsub("/*$", "") .. "/" .. (token and "#token=" .. token or "")
end

local OPTIONS = { receiver = "table?", inbox = "table?", write = "boolean?", token = "boolean|string?",
  forward_to = "string?" }

---@class apivideo.PageOptions
---@field receiver? apivideo.Receiver whose deliveries are shown, and those of its inbox
---@field inbox? apivideo.Inbox default: that of the receiver
---@field write? boolean default false: nothing can be replayed, paused or redriven
---@field token? boolean|string what a browser must have, at least 16 letters, digits, `-` and `_`; true: a random one. Without it, the page is for this machine only
---@field forward_to? string a URL to which deliveries can be forwarded

local function check(options)
  checks.options("page", options, OPTIONS, 5)
  local token, target = options.token, options.forward_to
  if options.receiver == nil and options.inbox == nil then
    error("page: option \"receiver\" is required, or \"inbox\"", 4)
  elseif options.receiver and type(options.receiver._observe) ~= "function" then
    error("page: option \"receiver\" must come from apivideo.receiver()", 4)
  elseif options.inbox and not inboxes.is(options.inbox) then
    error("page: option \"inbox\" must come from apivideo.inbox()", 4)
  elseif type(token) == "string" and (#token < TOKEN_MIN_BYTES or token:find "[^A-Za-z0-9_-]") then
    error("page: option \"token\" must have at least 16 letters, digits, \"-\" and \"_\"; true creates a random one", 4)
  elseif target and not target:find "^https?://[^/?#%c ]+[^%c ]*$" then
    error("page: option \"forward_to\" must be a URL that begins with http:// or https://", 4)
  end
end

local function create(options)
  check(options)
  local receiver, target = options.receiver, options.forward_to
  local self = setmetatable({
    max_body = MAX_BODY_BYTES, _receiver = receiver, _inbox = options.inbox or receiver and receiver._inbox or nil,
    _forward_to = target, _forward_to_shown = target and (target:gsub("^(%a+://)[^/?#]*@", "%1")),
    _can_write = options.write or false,
    _recorder = recorders.new(receiver and receiver._events or catalogue),
  }, Page)
  local token = options.token
  if token then tokens[self] = token == true and access.new_token() or token end
  if receiver then
    local recorder = self._recorder
    receiver:_observe(function(outcome) recorder:add(outcome) end)
  end
  return self
end

--- Creates a page: `page.new(options)`, or `page(options)`.
---@class apivideo.PageModule
---@field new fun(options: apivideo.PageOptions): apivideo.Page
---@overload fun(options: apivideo.PageOptions): apivideo.Page
local page = {}

return constructor(page, create)
