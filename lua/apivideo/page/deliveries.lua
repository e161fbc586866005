--- The part of the page's API for deliveries.

local json = require "apivideo.util.json"
local parameters = require "apivideo.page.parameters"
local record = require "apivideo.page.record"
local responses = require "apivideo.page.responses"
local sending = require "apivideo.page.sending"
local snippets = require "apivideo.page.snippets"

local LIST_DEFAULT, LIST_MAX = 1000, 5000
local PLACEHOLDER_URL = "http://127.0.0.1:8080/"

-- A record without its bodies, for the list.
local function summary(recorded)
  return {
    id = recorded.id, at_ms = parameters.milliseconds(recorded.at), ms = math.floor(recorded.seconds * 1e5 + 0.5) / 100,
    status = recorded.status, result = recorded.result, verified = recorded.verified,
    webhook_id = recorded.webhook_id, type = recorded.type, subject = recorded.subject, detail = recorded.detail,
    size = recorded.raw and #recorded.raw, problem = record.problem(recorded), replay_of = recorded.replay_of,
  }
end

local function list(page, incoming)
  local recorder, data = page._recorder, json.array {}
  local limit = math.max(1, math.min(parameters.number(incoming.query.limit, LIST_DEFAULT), LIST_MAX))
  local after = parameters.number(incoming.query.after, 0)
  for i, recorded in ipairs(recorder:list(after, limit)) do data[i] = summary(recorded) end
  return responses.json(200,
    { instance = recorder.instance, first = recorder.first, last = recorder.last, data = data })
end

local function with_record(respond)
  return function(page, incoming, id)
    local recorded = page._recorder:get(parameters.number(id, 0))
    if not recorded then
      return responses.error(404, "no delivery has the id " .. id .. ", or it was replaced by newer ones", "not_found")
    end
    return respond(page, recorded, incoming)
  end
end

local function details(_, recorded)
  local result = summary(recorded)
  local list_of_headers = json.array {}
  for i, header in ipairs(recorded.headers) do list_of_headers[i] = { header[1], header[2] } end
  result.headers, result.errors = list_of_headers, json.array { (table.unpack or unpack)(recorded.errors) }
  result.err, result.handled = recorded.err, recorded.handled
  return responses.json(200, result)
end

local function body(_, recorded)
  return responses.bytes(recorded.raw or "")
end

local function curl(page, recorded)
  return responses.text(200, snippets.curl(recorded, page._forward_to_shown or PLACEHOLDER_URL))
end

local function spec(_, recorded)
  local text = snippets.spec(recorded)
  if not text then return responses.error(409, "the body is not an event: a spec could not build it") end
  return responses.text(200, text)
end

-- Why a request cannot be sent to where the query says, or nil.
local function destination_problem(page, to)
  if to == "receiver" then return not page._receiver and "the page has no receiver" or nil end
  if to == "forward" then return not page._forward_to and "the page has no option forward_to" or nil end
  return "the parameter to must be receiver or forward"
end

local function respond_sent(page, recorded, incoming, headers, raw)
  return responses.json(200, sending.send(page, recorded, incoming.query.to, headers, raw))
end

local function replay(page, recorded, incoming)
  local problem = destination_problem(page, incoming.query.to)
    or not recorded.raw and "the body of this request was not read"
  if problem then return responses.error(409, problem) end
  return respond_sent(page, recorded, incoming, record.headers(recorded), recorded.raw)
end

-- The body of the request is the new body.
local function resend(page, recorded, incoming)
  local problem, headers = destination_problem(page, incoming.query.to), nil
  if not problem then headers, problem = sending.signed_headers(page, recorded, incoming.body or "") end
  if problem then return responses.error(409, problem) end
  return respond_sent(page, recorded, incoming, headers, incoming.body or "")
end

--- Each route: a method, a pattern for the path after `/api/`, and a function of the page, the request and the captures.
return {
  { "GET", "^deliveries$", list },
  { "GET", "^deliveries/(%d+)$", with_record(details) },
  { "GET", "^deliveries/(%d+)/body$", with_record(body) },
  { "GET", "^deliveries/(%d+)/curl$", with_record(curl) },
  { "GET", "^deliveries/(%d+)/spec$", with_record(spec) },
  { "POST", "^deliveries/(%d+)/replay$", with_record(replay) },
  { "POST", "^deliveries/(%d+)/resend$", with_record(resend) },
}
