--- Faults on demand: what goes wrong with the next requests.

local options = require "apivideo.util.options"
local problems = require "apivideo.emulator.problems"
local runtime = require "apivideo.runtime"

---@class apivideo.emulator.Answer
---@field status? integer nil when there is none
---@field headers table<string, string>
---@field body? table|string a table is sent as JSON
---@field ending? apivideo.Ending half of it is sent, and then the connection ends so

---@class apivideo.emulator.Fault exactly one kind: latency, status, rate_limited, reset, truncate, stall, content_type, counters, refuse
---@field on? string `GET /webhooks`, `/webhooks`; the path exactly, or a Lua pattern for the whole of it
---@field times? integer how many requests, default 1; math.huge for all
---@field chance? number from 0 to 1: how likely; then times is math.huge by default
---@field latency? number seconds before the usual answer
---@field status? integer this answer, unprocessed, with a problem as its body
---@field body? string with status: this body instead, as of a proxy
---@field content_type? string of the answer; alone, the usual answer has the wrong type
---@field rate_limited? { header?: "X-RateLimit-Retry-After"|"Retry-After"|"date"|"none", seconds?: number } 429
---@field reset? "before"|"after" the connection is reset, before or after the request was processed
---@field truncate? true half of the answer's body, then the connection is closed
---@field stall? true half of the answer's body, then nothing until the client leaves
---@field counters? true|table wrong counters and links in the page; or those that the table says
---@field refuse? true connections (`times` of them) are closed as soon as they are made

---@class apivideo.emulator.Faults
local Faults = {}
Faults.__index = Faults

local known = {
  on = "string?", times = "number?", chance = "number?", latency = "number?", status = "number?",
  body = "string?", content_type = "string?", rate_limited = "table?", reset = "string?",
  truncate = "boolean?", stall = "boolean?", counters = "boolean|table?", refuse = "boolean?",
}

-- The order matters for content_type alone, which goes with a status, too.
local kinds = { "latency", "status", "rate_limited", "reset", "truncate", "stall", "counters",
  "refuse", "content_type" }

-- What a kind's value must be, beyond its type.
local is_right = {
  latency = function(value) return value >= 0 and value < math.huge, "a number of seconds" end,
  status = function(value)
    return value >= 200 and value <= 599 and value % 1 == 0, "a status from 200 to 599"
  end,
  reset = function(value) return value == "before" or value == "after", '"before" or "after"' end,
  rate_limited = function(value)
    local header = value.header or "none"
    return header == "X-RateLimit-Retry-After" or header == "Retry-After" or header == "date"
      or header == "none", 'with a header X-RateLimit-Retry-After, Retry-After, date or none'
  end,
}

-- The one kind that a fault is; nil and what is wrong when it is none.
local function kind_of(given)
  local kind
  for _, name in ipairs(kinds) do
    if given[name] == false then return nil, ('option "%s" must be true, or left out'):format(name) end
    if given[name] ~= nil and not (name == "content_type" and kind == "status") then
      if kind then return nil, ('a fault has one kind, not both "%s" and "%s"'):format(kind, name) end
      kind = name
    end
  end
  if not kind then return nil, "a fault has a kind, one of: " .. table.concat(kinds, ", ") end
  local right, expected = true, nil
  if is_right[kind] then right, expected = is_right[kind](given[kind]) end
  if not right then return nil, ('option "%s" must be %s'):format(kind, expected) end
  return kind
end

-- What is wrong with the options beside the kind, or nil.
local function problem_of(given, kind)
  if given.times and given.times < 1 then return 'option "times" must be 1 or more' end
  if given.chance and (given.chance < 0 or given.chance > 1) then
    return 'option "chance" must be from 0 to 1'
  end
  if given.body and kind ~= "status" then return 'option "body" goes with "status"' end
  if given.on and not given.on:find("^[A-Z]* */") then
    return 'option "on" must be like "GET /webhooks" or "/webhooks"'
  end
  if kind == "refuse" and (given.on or given.chance) then
    return '"refuse" closes connections before anything is known of a request: no "on", no "chance"'
  end
end

--- Queues a fault. Raises at the level of the caller's caller when it is none.
---@param given apivideo.emulator.Fault
---@return string kind
function Faults:add(given)
  options.check("emulator:fault", given, known, 4)
  if given.rate_limited then
    options.check("emulator:fault: rate_limited", given.rate_limited,
      { header = "string?", seconds = "number?" }, 4)
  end
  local kind, problem = kind_of(given)
  problem = problem or problem_of(given, kind)
  if problem then error("emulator:fault: " .. problem, 3) end
  if kind == "refuse" then return kind end -- the server's own
  local method, path = (given.on or ""):match("^([A-Z]*) *(.*)$")
  self.queue[#self.queue + 1] = {
    kind = kind, given = given, method = method ~= "" and method or nil,
    path = path ~= "" and path or nil,
    chance = given.chance, times = given.times or given.chance and math.huge or 1,
  }
  return kind
end

function Faults:clear()
  self.queue = {}
end

local function matches(fault, method, path)
  if fault.method and fault.method ~= method then return false end
  return not fault.path or fault.path == path or path:find("^" .. fault.path .. "$") ~= nil
end

--- The fault that strikes a request: the first of those queued, or nil.
---@param request apivideo.ServerRequest
---@return table? fault
function Faults:strike(request)
  for place, fault in ipairs(self.queue) do
    if matches(fault, request.method, request.path)
      and (not fault.chance or math.random() < fault.chance) then
      fault.times = fault.times - 1
      if fault.times < 1 then table.remove(self.queue, place) end
      return fault
    end
  end
end

local DAYS = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTHS = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

-- A date as HTTP writes it, in whatever locale.
local function http_date(seconds)
  local date = os.date("!*t", math.floor(seconds))
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(DAYS[date.wday], date.day,
    MONTHS[date.month], date.year, date.hour, date.min, date.sec)
end

---@type table<string, fun(given: apivideo.emulator.Fault, process: fun(): apivideo.emulator.Answer): apivideo.emulator.Answer>
local answers = {}

function answers.status(given)
  return {
    status = given.status, body = given.body or problems.of_status(given.status),
    headers = { ["Content-Type"] = given.content_type or given.body and "text/html"
      or "application/problem+json" },
  }
end

function answers.rate_limited(given)
  local header, seconds = given.rate_limited.header, given.rate_limited.seconds or 1
  local answer = { status = 429, headers = {}, body = problems.too_many_requests() }
  if header == "date" then
    answer.headers["Retry-After"] = http_date(runtime.now() + seconds)
  elseif header ~= "none" then
    answer.headers[header or "X-RateLimit-Retry-After"] = ("%.14g"):format(seconds):gsub(",", ".")
  end
  return answer
end

function answers.reset(given, process)
  local answer = given.reset == "after" and process() or { headers = {} }
  answer.ending = "reset"
  return answer
end

function answers.truncate(_, process)
  local answer = process()
  answer.ending = "close"
  return answer
end

function answers.stall(_, process)
  local answer = process()
  answer.ending = "hold"
  return answer
end

function answers.content_type(given, process)
  local answer = process()
  if answer.body then answer.headers["Content-Type"] = given.content_type end
  return answer
end

-- A page that says to be the only one, and empty.
local function lie(page)
  local uri = page.links[1].uri
  return { itemsTotal = 0, pagesTotal = 1, currentPageItems = 0,
    links = { { rel = "self", uri = uri }, { rel = "first", uri = uri }, { rel = "last", uri = uri } } }
end

function answers.counters(given, process)
  local answer = process()
  local page = answer.status == 200 and answer.body.pagination
  if page then
    for name, value in pairs(given.counters == true and lie(page) or given.counters) do
      page[name] = value
    end
  end
  return answer
end

function answers.latency(given, process, stopped)
  stopped:wait(given.latency)
  return process()
end

local faults = {}

--- The answer to a request that a fault strikes.
---@param fault table of strike()
---@param process fun(): apivideo.emulator.Answer the usual answer
---@param stopped apivideo.Latch opened when no time is left to wait
---@return apivideo.emulator.Answer
function faults.answer(fault, process, stopped)
  return answers[fault.kind](fault.given, process, stopped)
end

---@return apivideo.emulator.Faults
function faults.new()
  return setmetatable({ queue = {} }, Faults)
end

return faults
