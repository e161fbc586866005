--- Routes requests: faults, authentication, rate limits, then the endpoint.

local assets = require "apivideo.emulator.assets"
local control = require "apivideo.emulator.control"
local faults = require "apivideo.emulator.faults"
local json = require "apivideo.util.json"
local live_streams = require "apivideo.emulator.live_streams"
local problems = require "apivideo.emulator.problems"
local summaries = require "apivideo.emulator.summaries"
local tokens = require "apivideo.emulator.tokens"
local uploads = require "apivideo.emulator.uploads"
local videos = require "apivideo.emulator.videos"
local webhooks = require "apivideo.emulator.webhooks"

-- A route is a method, a pattern for the path, and a function of the emulator, the request and the captures of the path:
-- the id, and the language of a caption. It returns the status and the body of the response.

-- These routes need no authentication, and do not count against the rate limit.
local OPEN_ROUTES = {
  { "POST", "^/auth/api%-key$", tokens.post_api_key },
  { "POST", "^/auth/refresh$", tokens.post_refresh },
}

local ROUTES = {
  { "GET", "^/webhooks$", webhooks.list },
  { "POST", "^/webhooks$", webhooks.create },
  { "GET", "^/webhooks/([^/]+)$", webhooks.get },
  { "DELETE", "^/webhooks/([^/]+)$", webhooks.delete },
  { "GET", "^/videos$", videos.list },
  { "POST", "^/videos$", uploads.create },
  { "GET", "^/videos/([^/]+)$", videos.get },
  { "POST", "^/videos/([^/]+)/source$", uploads.post_source },
  { "GET", "^/videos/([^/]+)/status$", videos.get_status },
  { "GET", "^/videos/([^/]+)/captions$", videos.list_captions },
  { "GET", "^/videos/([^/]+)/captions/([^/]+)$", videos.get_caption },
  { "GET", "^/live%-streams$", live_streams.list },
  { "POST", "^/live%-streams$", live_streams.create },
  { "GET", "^/live%-streams/([^/]+)$", live_streams.get },
  { "GET", "^/summaries$", summaries.list },
  { "GET", "^/summaries/([^/]+)/source$", summaries.get_source },
}

local function find(routes, request)
  for _, route in ipairs(routes) do
    local id, language = request.path:match(route[2])
    if id and route[1] == request.method then return route[3], id, language end
  end
end

---@param headers table<string, string>
---@param status integer
---@param body table|nil
---@return apivideo.emulator.Response
local function new_response(headers, status, body)
  if body then
    headers["Content-Type"] = status >= 400 and "application/problem+json" or "application/json"
  end
  return { status = status, headers = headers, body = body }
end

local function problem_response(headers, problem)
  return new_response(headers, problem.status, problem)
end

-- The response without a fault.
local function process(self, request)
  local file = assets.respond(self, request)
  if file then return file end
  local open_route = find(OPEN_ROUTES, request)
  if open_route then return new_response({}, open_route(self, request)) end
  local allowed, headers = self._limits:count(request.method == "GET" and "reads" or "writes")
  if not self._tokens:is_authorized(request.headers.authorization) then
    return problem_response(headers, problems.unauthorized())
  end
  if not allowed then return problem_response(headers, problems.too_many_requests()) end
  local route, id, language = find(ROUTES, request)
  if not route then return problem_response(headers, problems.unknown_path()) end
  return new_response(headers, route(self, request, id, language))
end

---@class apivideo.emulator.Request
---@field method string
---@field path string not decoded
---@field query table<string, string|string[]>
---@field headers table<string, string|string[]>
---@field body string
---@field status? integer of the response, also if a fault prevented it from reaching the client; nil until the request is processed
---@field fault? string the kind of the fault that was injected

local function record(self, request, fault)
  local recorded = {
    method = request.method, path = request.path, query = request.query, headers = request.headers,
    body = request.body, fault = fault and fault.kind,
  }
  self._requests:add(recorded)
  return recorded
end

-- The bytes of a response up to the middle of its body. Empty if there is no body: the header section alone would be a
-- complete response.
local function first_half(status, headers, body)
  if body == "" then return "" end
  local lines = { ("HTTP/1.1 %d "):format(status) }
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  lines[#lines + 1] = ("Content-Length: %d\r\n\r\n"):format(#body)
  return table.concat(lines, "\r\n") .. body:sub(1, math.floor(#body / 2))
end

-- Converts a response to the return values of a server's handler.
local function send(response)
  local body = type(response.body) == "table" and assert(json.encode(response.body)) or response.body or ""
  if not response.ending then return response.status, response.headers, body end
  local bytes = response.ending == "reset" and "" or first_half(response.status, response.headers, body)
  return nil, nil, bytes, response.ending
end

local api = {}

--- Responds to a request. A handler of apivideo.server.
---@param self apivideo.Emulator
---@param request apivideo.ServerRequest
function api.handle(self, request)
  if control.has(request.path) then return send(new_response({}, control.respond(self, request))) end
  local fault = self._faults:take(request)
  local recorded = record(self, request, fault)
  local function process_request() return process(self, request) end
  local response = fault and faults.respond(fault, process_request, self._stopped) or process_request()
  recorded.status = response.status
  return send(response)
end

return api
