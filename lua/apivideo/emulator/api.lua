--- How the local api.video answers a request: who may call, how often, what there is, what goes wrong.

local faults = require "apivideo.emulator.faults"
local json = require "apivideo.util.json"
local live_streams = require "apivideo.emulator.live_streams"
local problems = require "apivideo.emulator.problems"
local summaries = require "apivideo.emulator.summaries"
local tokens = require "apivideo.emulator.tokens"
local videos = require "apivideo.emulator.videos"
local webhooks = require "apivideo.emulator.webhooks"

local KEPT_REQUESTS = 1000

-- Whoever comes to these has no token yet. They are not counted.
local open_routes = {
  { "POST", "^/auth/api%-key$", tokens.authenticate },
  { "POST", "^/auth/refresh$", tokens.renew },
}

-- A route is a function of the emulator, the request and the id in the path; it returns the answer's
-- status and body.
local routes = {
  { "GET", "^/webhooks$", webhooks.list },
  { "POST", "^/webhooks$", webhooks.create },
  { "GET", "^/webhooks/([^/]+)$", webhooks.get },
  { "DELETE", "^/webhooks/([^/]+)$", webhooks.delete },
  { "GET", "^/videos$", videos.list },
  { "GET", "^/videos/([^/]+)$", videos.get },
  { "GET", "^/videos/([^/]+)/status$", videos.get_status },
  { "GET", "^/videos/([^/]+)/captions$", videos.list_captions },
  { "GET", "^/live%-streams$", live_streams.list },
  { "GET", "^/live%-streams/([^/]+)$", live_streams.get },
  { "GET", "^/summaries$", summaries.list },
}

local function find(list, request)
  for _, route in ipairs(list) do
    local id = request.path:match(route[2])
    if id and route[1] == request.method then return route[3], id end
  end
end

---@return apivideo.emulator.Answer
local function answer(headers, status, body)
  if body then
    headers["Content-Type"] = status >= 400 and "application/problem+json" or "application/json"
  end
  return { status = status, headers = headers, body = body }
end

local function refuse(headers, problem)
  return answer(headers, problem.status, problem)
end

-- The answer when nothing goes wrong.
local function process(self, request)
  local open_route = find(open_routes, request)
  if open_route then return answer({}, open_route(self, request)) end
  local allowed, headers = self.limits:count(request.method == "GET" and "reads" or "writes")
  if not self.tokens:allow(request.headers.authorization) then
    return refuse(headers, problems.unauthorized())
  end
  if not allowed then return refuse(headers, problems.too_many_requests()) end
  local route, id = find(routes, request)
  if not route then return refuse(headers, problems.unknown_path()) end
  return answer(headers, route(self, request, id))
end

-- POST /emulator/events: not of api.video, but for `apivideo trigger --through`.
local function emit(self, request)
  if request.path ~= "/emulator/events" or request.method ~= "POST" then
    return refuse({}, problems.unknown_path())
  end
  if not self.tokens:allow(request.headers.authorization) then
    return refuse({}, problems.unauthorized())
  end
  local event, err = self.events:parse(request.body)
  if not event then
    return refuse({}, { title = err.message, name = err.field, status = 400 })
  end
  return answer({}, 202, { deliveries = #self:emit(request.body) })
end

---@class apivideo.emulator.Request
---@field method string
---@field path string undecoded
---@field query table<string, string|string[]>
---@field headers table<string, string|string[]>
---@field body string
---@field status? integer of the answer, sent or lost; nil until there is one
---@field fault? string the kind of the fault that struck it

local function remember(self, request, fault)
  local record = {
    method = request.method, path = request.path, query = request.query, headers = request.headers,
    body = request.body, fault = fault and fault.kind,
  }
  local requests = self.requests
  requests[#requests + 1] = record
  if #requests > KEPT_REQUESTS then table.remove(requests, 1) end
  return record
end

-- The bytes of an answer up to the middle of its body. Half of no body is nothing, not even a head.
local function half(status, headers, body)
  if body == "" then return "" end
  local lines = { ("HTTP/1.1 %d "):format(status) }
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  lines[#lines + 1] = ("Content-Length: %d\r\n\r\n"):format(#body)
  return table.concat(lines, "\r\n") .. body:sub(1, math.floor(#body / 2))
end

-- What a handler of the server returns for an answer.
local function send(given)
  local body = type(given.body) == "table" and assert(json.encode(given.body)) or given.body or ""
  if not given.ending then return given.status, given.headers, body end
  local bytes = given.ending == "reset" and "" or half(given.status, given.headers, body)
  return nil, nil, bytes, given.ending
end

local api = {}

--- Answers a request, as a handler of the server does.
---@param self apivideo.Emulator
---@param request apivideo.ServerRequest
function api.handle(self, request)
  if request.path:find("^/emulator/") then return send(emit(self, request)) end
  local fault = self.faults:strike(request)
  local record = remember(self, request, fault)
  local function process_it() return process(self, request) end
  local given = fault and faults.answer(fault, process_it, self.stopped) or process_it()
  record.status = given.status
  return send(given)
end

return api
