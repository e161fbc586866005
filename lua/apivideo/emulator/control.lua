--- The routes under /emulator, which control an emulator from tests in any language. The real api.video does not have
--- them. They need the API key, and neither faults nor rate limits apply to them.

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local json = require "apivideo.util.json"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"
local tables = require "apivideo.util.tables"
local videos = require "apivideo.emulator.videos"

-- Whether bytes are valid UTF-8, as JSON must be. The decoder checks it.
local function is_utf8(bytes)
  return json.decode(assert(json.encode(bytes))) ~= nil
end

-- Adds bytes to an object: as `name` if they are text, and otherwise in base64, as `name_base64`.
local function add_bytes(object, name, bytes)
  if is_utf8(bytes) then
    object[name] = bytes
  else
    object[name .. "_base64"] = core.base64(bytes)
  end
  return object
end

-- A copy of a value of a header or parameter, with U+FFFD for each byte that is not ASCII where it is not text.
local function readable(value)
  if type(value) == "table" then
    local copy = {}
    for name, item in pairs(value) do copy[readable(name)] = readable(item) end
    return copy
  elseif type(value) ~= "string" or is_utf8(value) then
    return value
  end
  return (value:gsub("[\128-\255]", "\239\191\189"))
end

local function request_representation(recorded)
  return add_bytes({
    method = recorded.method, path = readable(recorded.path), query = readable(recorded.query),
    headers = readable(recorded.headers), status = recorded.status, fault = recorded.fault,
  }, "body", recorded.body)
end

local function attempt_representation(attempt)
  local err = attempt.err
  return { at = attempt.at, seconds = attempt.seconds, status = attempt.status,
    err = err and { kind = err.kind, message = err.message }, sent = attempt.sent }
end

local function map(list, fn)
  local mapped = json.array {}
  for i, item in ipairs(list) do mapped[i] = fn(item) end
  return mapped
end

local function delivery_representation(delivery)
  return add_bytes({
    url = delivery.url, webhookId = delivery.webhookId, state = delivery.state,
    attempts = map(delivery.attempts, attempt_representation),
  }, "raw", delivery.raw)
end

local function get_requests(self)
  return 200, { data = map(self.requests, request_representation) }
end

local function get_deliveries(self)
  return 200, { data = map(self.deliveries, delivery_representation) }
end

-- The JSON object of a body; or nil, and the problem with the reason why it is not JSON.
local function object_of(body)
  local fields, reason = json.decode(body)
  if type(fields) == "table" and not json.is_list(fields) then return fields end
  return nil, tables.merge(problems.not_json(), { detail = reason })
end

local function post_event(self, request)
  local fields, problem = object_of(request.body)
  if not fields then return 400, problem end
  local event, err = self._events:parse(request.body)
  if not event then return 400, { title = err.message, name = err.field, status = 400 } end
  return 202, { deliveries = #self:emit(request.body) }
end

-- Words of Lua in the messages of the methods, and the words of a response in their place, in the order of use.
local IN_JSON = {
  { 'option "', 'field "' },
  { " or math%.huge", "" },
  { '"failed" must be a table', '"failed" must be a list' },
  { "a table%f[%A]", "an object" },
  { "got table$", "got object or list" },
  { '{ ("[^{}]*") }', "[%1]" },
}

local function in_json(message)
  for _, pair in ipairs(IN_JSON) do message = message:gsub(pair[1], pair[2]) end
  return message
end

-- Calls a method of the emulator with an argument from a request. Misuse of the method is a problem of the request.
local function call(self, method, argument)
  local ok, result = pcall(self[method], self, argument)
  if ok then return result end
  local message = tostring(result):match("emulator:" .. method .. ": (.*)$")
  if not message then error(result, 0) end
  return nil, { title = in_json(message), status = 400 }
end

-- A copy without null, which clients send for an option that is not set.
local function without_nulls(fields)
  local copy = {}
  for name, value in pairs(fields) do
    if value ~= json.null then copy[name] = type(value) == "table" and without_nulls(value) or value end
  end
  return copy
end

-- A route that passes the fields of the body to a method.
local function options_route(method)
  return function(self, request)
    local fields, problem = object_of(request.body)
    if not fields then return 400, problem end
    local _, misuse = call(self, method, without_nulls(fields))
    if misuse then return 400, misuse end
    return 204
  end
end

-- A route that starts or ends the broadcast of the live stream in the path. `problem` is said if the stream is not
-- broadcasting, or is, as the method needs it: the method's own message names methods of Lua.
local function broadcast_route(method, is_broadcasting, problem, representation)
  return function(self, request, id)
    local stream = self.live_streams:find(id)
    if not stream then return 404, problems.not_found("liveStreamId") end
    if (stream.broadcasting or false) ~= is_broadcasting then
      return 400, { title = ('live stream "%s" is %s %s'):format(id, problem, request.path), status = 400 }
    end
    local object = self[method](self, id)
    return 200, representation and representation(object) or object
  end
end

-- A route that stores an object with the id in the path.
local function put_route(method, id_name)
  return function(self, request, id)
    local fields, problem = object_of(request.body)
    if not fields then return 400, problem end
    if fields[id_name] ~= nil and fields[id_name] ~= id then
      return 400, { status = 400, name = id_name,
        title = ('field "%s" is "%s", but the path has "%s"; leave the field out')
          :format(id_name, tostring(fields[id_name]), id) }
    end
    local object, misuse = call(self, method, tables.merge(fields, { [id_name] = id }))
    if misuse then return 400, misuse end
    return 200, object
  end
end

local function clear_faults(self)
  self:clear_faults()
  return 204
end

-- The response comes when no delivery and no encoding is in progress, or when the time is over.
local function get_settle(self, request)
  for name in pairs(request.query) do
    if name ~= "seconds" then
      local title = ('unknown parameter "%s"; known: seconds'):format(readable(name))
      return 400, { title = title, name = name, status = 400 }
    end
  end
  local text = query.text(request, "seconds")
  local seconds = text and json.decode(text) -- not tonumber, which reads a fraction by the locale
  local is_valid, expected = checks.matches(seconds, "seconds>=0")
  if text and not is_valid then
    return 400, { status = 400, name = "seconds", title = ('parameter "seconds" must be %s'):format(expected) }
  end
  if self:settle(seconds) then return 204 end
  return 504, { status = 504, title = ("a delivery or an encoding is still in progress after %s seconds"):format(text) }
end

-- The deliveries in progress have ended before the response is sent: the server sends it after the tasks that wait for
-- them have run.
local function reset(self)
  self:reset()
  return 204
end

-- Each route: a method, a pattern for the path, a function as in api.lua, and the path for people.
local ROUTES = {
  { "POST", "^/emulator/events$", post_event, "/emulator/events" },
  { "GET", "^/emulator/requests$", get_requests, "/emulator/requests" },
  { "GET", "^/emulator/deliveries$", get_deliveries, "/emulator/deliveries" },
  { "GET", "^/emulator/settle$", get_settle, "/emulator/settle" },
  { "POST", "^/emulator/faults$", options_route "fault", "/emulator/faults" },
  { "DELETE", "^/emulator/faults$", clear_faults, "/emulator/faults" },
  { "PUT", "^/emulator/videos/([^/]+)$", put_route("put_video", "videoId"), "/emulator/videos/{videoId}" },
  { "PUT", "^/emulator/live%-streams/([^/]+)$", put_route("put_live_stream", "liveStreamId"),
    "/emulator/live-streams/{liveStreamId}" },
  { "PUT", "^/emulator/summaries/([^/]+)$", put_route("put_summary", "summaryId"),
    "/emulator/summaries/{summaryId}" },
  { "POST", "^/emulator/live%-streams/([^/]+)/broadcast$",
    broadcast_route("start_broadcast", false, "already broadcasting; end that with DELETE"),
    "/emulator/live-streams/{liveStreamId}/broadcast" },
  { "DELETE", "^/emulator/live%-streams/([^/]+)/broadcast$",
    broadcast_route("end_broadcast", true, "not broadcasting; start that with POST", videos.representation),
    "/emulator/live-streams/{liveStreamId}/broadcast" },
  { "PUT", "^/emulator/deliveries$", options_route "set_deliveries", "/emulator/deliveries" },
  { "PUT", "^/emulator/encoding$", options_route "set_encoding", "/emulator/encoding" },
  { "DELETE", "^/emulator$", reset, "/emulator" },
}

local names = {}
for i, route in ipairs(ROUTES) do names[i] = route[1] .. " " .. route[4] end

local control = {}

--- Whether a path belongs to the control routes.
---@param path string
---@return boolean
function control.has(path)
  return path == "/emulator" or path:find "^/emulator/" ~= nil
end

--- Responds to a request of a control route.
---@param self apivideo.Emulator
---@param request apivideo.ServerRequest
---@return integer status
---@return table? body
function control.respond(self, request)
  if not self._tokens:is_authorized(request.headers.authorization) then
    return 401, tables.merge(problems.unauthorized(),
      { detail = "Send the API key of the emulator as the user name of Basic authentication: curl -u KEY: …" })
  end
  for _, route in ipairs(ROUTES) do
    local id = request.path:match(route[2])
    if id and route[1] == request.method then return route[3](self, request, id) end
  end
  return 404, tables.merge(problems.unknown_path(), { detail = "The routes are: " .. table.concat(names, ", ") .. "." })
end

return control
