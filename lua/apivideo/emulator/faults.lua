--- Fault injection: errors for the next requests, for tests of clients.

local checks = require "apivideo.util.checks"
local pattern = require "apivideo.emulator.pattern"
local problems = require "apivideo.emulator.problems"
local runtime = require "apivideo.runtime"

---@class apivideo.emulator.Response
---@field status? integer nil if the request was not processed
---@field headers table<string, string>
---@field body? table|string a table is encoded as JSON
---@field ending? apivideo.Ending half of the response is sent, then the connection ends in this way

---@class apivideo.emulator.Fault has exactly one kind: latency, status, rate_limited, reset, truncate, stall, content_type, counters, refuse
---@field on? string `GET /webhooks`, or `/webhooks` for any method; the path is exact, or a Lua pattern for the whole path, in which `%%` is a percent sign
---@field times? integer number of requests, default 1; math.huge: all
---@field chance? number probability from 0 to 1; with it, the default of times is math.huge
---@field duration? number seconds for which it applies, from now; with it, the default of times is math.huge
---@field latency? number seconds before the normal response
---@field status? integer a response with this status and a problem as its body; the request is not processed
---@field body? string with status: this body instead, as a proxy sends
---@field content_type? string with status: of the response; alone: a wrong type for the normal response
---@field rate_limited? { header?: "X-RateLimit-Retry-After"|"Retry-After"|"date"|"none", seconds?: number } 429, with a delay in one of these headers (default X-RateLimit-Retry-After, 1 second)
---@field reset? "before"|"after" the connection is reset, before or after the request was processed
---@field truncate? true half of the response's body, then the connection is closed
---@field stall? true half of the response's body, then nothing until the client closes the connection
---@field counters? true|table wrong counters and links in a page; a table: these fields of `pagination`
---@field refuse? true connections (`times` of them) are closed as soon as they are accepted

---@class apivideo.emulator.Faults
---@field private _queue table[]
local Faults = {}
Faults.__index = Faults
Faults.__name = "apivideo.emulator.Faults"

local KNOWN_OPTIONS = {
  on = "string?", times = "integer>=1|huge?", chance = "number>=0<=1?", duration = "seconds>0?",
  latency = "seconds>=0<=86400?",
  status = "integer>=200<=599?",
  body = "string?", content_type = "string?", rate_limited = "table?", reset = "string?",
  truncate = "boolean?", stall = "boolean?", counters = "boolean|table?", refuse = "boolean?",
}

-- content_type comes last, because it is a kind only if there is no status.
local KINDS = { "latency", "status", "rate_limited", "reset", "truncate", "stall", "counters",
  "refuse", "content_type" }

local METHODS = { GET = true, HEAD = true, OPTIONS = true, POST = true, PUT = true, PATCH = true, DELETE = true }

-- Checks of a kind's value, beyond its type: whether it is valid, and a description of valid values.
local CHECKS = {
  reset = function(value) return value == "before" or value == "after", '"before" or "after"' end,
  rate_limited = function(value)
    local header = value.header or "none"
    return header == "X-RateLimit-Retry-After" or header == "Retry-After" or header == "date"
      or header == "none", 'a table with the header "X-RateLimit-Retry-After", "Retry-After", "date" or "none"'
  end,
}

-- The kind of a fault; nil and a message if the fault is invalid.
local function kind_of(definition)
  local kind
  for _, name in ipairs(KINDS) do
    if definition[name] == false then return nil, ('option "%s" must be true or absent, not false'):format(name) end
    if definition[name] ~= nil and not (name == "content_type" and kind == "status") then
      if kind then return nil, ('a fault must have one kind, not both "%s" and "%s"'):format(kind, name) end
      kind = name
    end
  end
  if not kind then return nil, "a fault must have a kind, one of: " .. table.concat(KINDS, ", ") end
  local is_valid, expected = true, nil
  if CHECKS[kind] then is_valid, expected = CHECKS[kind](definition[kind]) end
  if not is_valid then return nil, ('option "%s" must be %s'):format(kind, expected) end
  return kind
end

-- A message if the options besides the kind are invalid, or nil.
local function problem_of(definition, kind)
  if definition.body and kind ~= "status" then return 'option "body" needs "status"' end
  local method = (definition.on or "/"):match("^([A-Z]*) */")
  if not method or method ~= "" and not METHODS[method] then
    return 'option "on" must be a path with or without a method, such as "GET /webhooks" or "/webhooks"'
  end
  local malformed = pattern.problem(definition.on or "")
  if malformed then
    return ('option "on" is not a valid Lua pattern: %s; write %%%% for a percent sign, and %%[ or %%( for a bracket')
      :format(malformed)
  end
  if kind == "refuse" and (definition.on or definition.chance or definition.duration) then
    return 'option "refuse" cannot be combined with "on", "chance" or "duration": connections are closed before a'
      .. " request is read"
  end
end

--- Queues a fault. Raises at the level of the caller's caller if it is invalid.
---@param definition apivideo.emulator.Fault
---@return string kind
function Faults:add(definition)
  checks.options("emulator:fault", definition, KNOWN_OPTIONS, 4)
  if definition.rate_limited then
    checks.options("emulator:fault: rate_limited", definition.rate_limited,
      { header = "string?", seconds = "seconds>=0?" }, 4)
  end
  local kind, problem = kind_of(definition)
  problem = problem or problem_of(definition, kind)
  if problem then error("emulator:fault: " .. problem, 3) end
  if kind == "refuse" then return kind end -- applied by the server, before there is a request
  local method, path = (definition.on or ""):match("^([A-Z]*) *(.*)$")
  self._queue[#self._queue + 1] = {
    kind = kind, definition = definition, method = method ~= "" and method or nil,
    path = path ~= "" and path or nil,
    chance = definition.chance, ends = definition.duration and runtime.monotonic() + definition.duration,
    times = definition.times or (definition.chance or definition.duration) and math.huge or 1,
  }
  return kind
end

--- Removes all queued faults.
function Faults:clear()
  self._queue = {}
end

local function matches(fault, method, path)
  if fault.ends and runtime.monotonic() >= fault.ends then return false end
  if fault.method and fault.method ~= method then return false end
  return not fault.path or fault.path == path or path:find("^" .. fault.path .. "$") ~= nil
end

--- Takes the first queued fault that applies to a request.
---@param request apivideo.ServerRequest
---@return table? fault
function Faults:take(request)
  for index, fault in ipairs(self._queue) do
    if matches(fault, request.method, request.path)
      and (not fault.chance or math.random() < fault.chance) then
      fault.times = fault.times - 1
      if fault.times < 1 then table.remove(self._queue, index) end
      return fault
    end
  end
end

local DAYS = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTHS = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

-- An HTTP date (RFC 9110, section 5.6.7). os.date("%a") would follow the locale.
local function http_date(seconds)
  local date = os.date("!*t", math.floor(seconds))
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(DAYS[date.wday], date.day,
    MONTHS[date.month], date.year, date.hour, date.min, date.sec)
end

---@type table<string, fun(definition: apivideo.emulator.Fault, process: fun(): apivideo.emulator.Response, stopped: apivideo.Latch): apivideo.emulator.Response>
local responders = {}

function responders.status(definition)
  return {
    status = definition.status, body = definition.body or problems.for_status(definition.status),
    headers = { ["Content-Type"] = definition.content_type or definition.body and "text/html"
      or "application/problem+json" },
  }
end

function responders.rate_limited(definition)
  local header, seconds = definition.rate_limited.header, definition.rate_limited.seconds or 1
  local response = { status = 429, headers = {}, body = problems.too_many_requests() }
  if header == "date" then
    response.headers["Retry-After"] = http_date(runtime.now() + seconds)
  elseif header ~= "none" then
    response.headers[header or "X-RateLimit-Retry-After"] = ("%.14g"):format(seconds):gsub(",", ".")
  end
  return response
end

function responders.reset(definition, process)
  local response = definition.reset == "after" and process() or { headers = {} }
  response.ending = "reset"
  return response
end

function responders.truncate(_, process)
  local response = process()
  response.ending = "close"
  return response
end

function responders.stall(_, process)
  local response = process()
  response.ending = "hold"
  return response
end

function responders.content_type(definition, process)
  local response = process()
  if response.body then response.headers["Content-Type"] = definition.content_type end
  return response
end

-- Counters and links that say that the page is the only one, and empty.
local function wrong_counters(page)
  local uri = page.links[1].uri
  return { itemsTotal = 0, pagesTotal = 1, currentPageItems = 0,
    links = { { rel = "self", uri = uri }, { rel = "first", uri = uri }, { rel = "last", uri = uri } } }
end

function responders.counters(definition, process)
  local response = process()
  local page = response.status == 200 and response.body.pagination
  if page then
    for name, value in pairs(definition.counters == true and wrong_counters(page) or definition.counters) do
      page[name] = value
    end
  end
  return response
end

function responders.latency(definition, process, stopped)
  stopped:wait(definition.latency)
  return process()
end

local faults = {}

--- Builds the response to a request with a fault.
---@param fault table from Faults:take
---@param process fun(): apivideo.emulator.Response processes the request and returns the normal response
---@param stopped apivideo.Latch ends a latency, because the emulator stops
---@return apivideo.emulator.Response
function faults.respond(fault, process, stopped)
  return responders[fault.kind](fault.definition, process, stopped)
end

--- Creates an empty queue of faults.
---@return apivideo.emulator.Faults
function faults.new()
  return setmetatable({ _queue = {} }, Faults)
end

return faults
