--- One account at api.video, in one environment.
--- https://docs.api.video/reference/authentication-guide

local errors = require "apivideo.error"
local http = require "apivideo.http"
local json = require "apivideo.json"
local options = require "apivideo.options"
local redact = require "apivideo.redact"
local url = require "apivideo.url"
local version = require "apivideo.version"
local webhooks = require "apivideo.webhooks"

local environments = {
  production = "https://ws.api.video",
  sandbox = "https://sandbox.api.video",
}

local kinds = {
  [401] = "unauthorized", [403] = "forbidden", [404] = "not_found", [408] = "timeout",
  [409] = "conflict", [429] = "rate_limited",
}

---@class apivideo.Client
---@field webhooks apivideo.Webhooks
---@field base_url string
local Client = {}
Client.__index = Client

-- Keys live outside the objects, so that none is printed with one.
local api_keys = setmetatable({}, { __mode = "k" })

function Client:__tostring()
  return "apivideo.client (" .. redact.text(self.base_url) .. ")"
end

-- The kind of error that a status is.
local function kind_of(status)
  if kinds[status] then return kinds[status] end
  if status >= 500 then return "server_error" end
  return status >= 400 and "invalid_request" or "unexpected_response"
end

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

-- `title (name)` of a problem, or nil. Titles can be missing (the attribute's name stands in their
-- place then), and a name can be "".
local function headline(problem)
  local name = is_text(problem.name) and problem.name or nil
  local title = is_text(problem.title) and problem.title or is_text(problem.detail) and problem.detail
    or name and is_text(problem[name]) and problem[name]
  if not title then return nil end
  return name and ("%s: %s"):format(name, title) or title
end

-- What a problem says, with the single problems it lists, in one line.
local function describe(problem)
  local lines, seen = {}, {}
  local function add(item)
    local line = type(item) == "table" and headline(item)
    if line and not seen[line] then
      seen[line] = true
      lines[#lines + 1] = line
    end
  end
  add(problem)
  if type(problem.problems) == "table" then
    for _, item in ipairs(problem.problems) do add(item) end
  end
  return #lines > 0 and table.concat(lines, " ") or nil
end

local function content_type(response)
  local value = response.headers["content-type"]
  return type(value) == "table" and value[1] or value or "no content type"
end

-- The error of a response that is no success.
local function refusal(self, request, response)
  local problem = json.decode(response.body)
  if type(problem) ~= "table" then problem = nil end
  local message = problem and describe(problem)
    or response.body == "" and "the answer's body is empty"
    or problem and "the answer says nothing that is known"
    or ("the answer's body is not JSON (%s)"):format(content_type(response))
  if response.status == 401 then
    message = message .. " Check the API key: sandbox and production have different ones, and this"
      .. " client talks to " .. self.base_url .. "."
  end
  return errors.new(kind_of(response.status), message, {
    status = response.status, problem = problem, attempts = 1, request = request,
  }, api_keys[self])
end

-- The result of a success: the decoded body, or true where the answer is just "done".
local function decode(self, request, response)
  if request.method == "DELETE" then return true end
  local result = json.decode(response.body)
  if type(result) == "table" then return result end
  return nil, errors.new("unexpected_response",
    ("a JSON object expected, got %s"):format(#response.body == 0 and "an empty body"
      or content_type(response)),
    { status = response.status, attempts = 1, request = request }, api_keys[self])
end

local function header_lines(body)
  local lines = { "Accept: application/json", "User-Agent: apivideo-lua/" .. version,
    "AV-Origin-Client: lua:" .. version }
  if body then lines[#lines + 1] = "Content-Type: application/json" end
  return lines
end

--- Calls an endpoint.
---@param method string
---@param path string from the slash on
---@param arguments? { query?: table<string, string|number>, body?: table } body is sent as JSON
---@return table|true|nil result the decoded body; true where there is none
---@return apivideo.Error? err
function Client:request(method, path, arguments)
  local query = arguments and arguments.query and url.encode_query(arguments.query) or ""
  local body = arguments and arguments.body and assert(json.encode(arguments.body))
  local request = {
    method = method,
    url = self.base_url .. path .. (query ~= "" and "?" .. query or ""),
  }
  local response, err = http.request {
    method = method, url = request.url, headers = header_lines(body), body = body,
    username = api_keys[self], timeout = self.timeout, connect_timeout = self.connect_timeout,
  }
  if not response then return nil, err end
  if response.status >= 200 and response.status < 300 then
    return decode(self, request, response)
  end
  return nil, refusal(self, request, response)
end

local known = {
  api_key = "string", environment = "string?", base_url = "string?", timeout = "number?",
  connect_timeout = "number?",
}

local function base_url_of(given)
  local environment = given.environment or "production"
  if not environments[environment] then
    error(('client: option "environment" must be "production" or "sandbox", got "%s"')
      :format(environment), 3)
  end
  local base_url = given.base_url or environments[environment]
  if not base_url:find("^https?://[^%s?#]+$") then
    error('client: option "base_url" must be an http or https URL', 3)
  end
  return (base_url:gsub("/+$", ""))
end

---@class apivideo.ClientOptions
---@field api_key string from https://dashboard.api.video
---@field environment? "production"|"sandbox" default production; each has its own keys
---@field base_url? string instead of the environment's, for instance a local api.video
---@field timeout? number seconds for a whole call, default 30
---@field connect_timeout? number seconds, default 10

--- Makes a client. Nothing is sent yet.
---@param given apivideo.ClientOptions
---@return apivideo.Client
local function new(given)
  if type(given) == "table" and given.api_key == nil then
    error('client: option "api_key" is missing: take it from https://dashboard.api.video and pass'
      .. ' it, for instance as os.getenv "APIVIDEO_API_KEY"', 2)
  end
  options.check("client", given, known)
  if not given.api_key:find("^[!-~]+$") then
    error('client: option "api_key" must be a key as the dashboard shows it, without white space', 2)
  end
  for _, name in ipairs { "timeout", "connect_timeout" } do
    if given[name] and not (given[name] >= 0.001 and given[name] <= 86400) then
      error(('client: option "%s" must be a number of seconds from 0.001 to 86400'):format(name), 2)
    end
  end
  local self = setmetatable({
    base_url = base_url_of(given),
    timeout = given.timeout,
    connect_timeout = given.connect_timeout,
  }, Client)
  api_keys[self] = given.api_key
  self.webhooks = webhooks.new(self)
  return self
end

return new
