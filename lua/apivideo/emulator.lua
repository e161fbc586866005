--- A local api.video: the webhooks API and signed deliveries, for tests and for trying things out.
--- https://docs.api.video/reference/api/Webhooks

local account = require "apivideo.emulator.account"
local catalogue = require "apivideo.events"
local json = require "apivideo.json"
local options = require "apivideo.options"
local problems = require "apivideo.emulator.problems"
local protected = require "apivideo.pcall"
local redact = require "apivideo.redact"
local runtime = require "apivideo.runtime"
local sender = require "apivideo.emulator.sender"
local server = require "apivideo.server"

local KEPT_DELIVERIES = 1000

---@class apivideo.Emulator
---@field url string its base URL
---@field port integer
---@field deliveries apivideo.emulator.Delivery[] the last thousand, oldest first
local Emulator = {}
Emulator.__index = Emulator

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local encoded = text:gsub("..?.?", function(part)
    local a, b, c = part:byte(1, 3)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local digits = {}
    for i = 4, 1, -1 do
      local digit = n % 64
      digits[i] = i > #part + 1 and "=" or BASE64:sub(digit + 1, digit + 1)
      n = (n - digit) / 64
    end
    return table.concat(digits)
  end)
  return encoded
end

local function answer(status, headers, body)
  headers["Content-Type"] = status >= 400 and "application/problem+json" or "application/json"
  return status, headers, type(body) == "string" and body or json.encode(body)
end

local function refuse(headers, problem)
  return answer(problem.status, headers, problem)
end

local routes = {}

-- POST /webhooks
function routes.create(self, request, headers)
  local body = json.decode(request.body)
  if type(body) ~= "table" then return refuse(headers, problems.not_json()) end
  local problem = problems.of_webhook(body, self.events.types)
  if problem then return refuse(headers, problem) end
  local webhook = self.account:create(body.url, body.events)
  if not webhook then return refuse(headers, problems.webhook_limit()) end
  return answer(201, headers, webhook)
end

local function link(self, rel, page, size)
  return { rel = rel,
    uri = ("%s/webhooks?currentPage=%d&pageSize=%d"):format(self.url, page, size) }
end

-- GET /webhooks
function routes.list(self, request, headers)
  local query = request.query
  local page, size = tonumber(query.currentPage or 1), tonumber(query.pageSize or 25)
  local problem = problems.of_pages(page, size)
  if problem then return refuse(headers, problem) end
  local all, items = self.account:subscribed(query.events), {}
  for i = (page - 1) * size + 1, math.min(page * size, #all) do
    items[#items + 1] = json.encode(all[i])
  end
  local pages = math.max(1, math.ceil(#all / size))
  local links = { link(self, "self", page, size), link(self, "first", 1, size),
    link(self, "last", pages, size) }
  if page > 1 then links[#links + 1] = link(self, "previous", page - 1, size) end
  if page < pages then links[#links + 1] = link(self, "next", page + 1, size) end
  local pagination = json.encode {
    currentPage = page, pageSize = size, pagesTotal = pages, itemsTotal = #all,
    currentPageItems = #items, links = links,
  }
  -- Put together here, since lua-cjson writes an empty list as {}.
  return answer(200, headers,
    ('{"data":[%s],"pagination":%s}'):format(table.concat(items, ","), pagination))
end

-- GET /webhooks/{webhookId}
function routes.get(self, _, headers, id)
  local webhook = self.account:find(id)
  if not webhook then return refuse(headers, problems.not_found("webhookId")) end
  return answer(200, headers, webhook)
end

-- DELETE /webhooks/{webhookId}
function routes.delete(self, _, headers, id)
  if not self.account:delete(id) then
    return refuse(headers, problems.not_found("webhookId"))
  end
  return 204, headers
end

-- POST /emulator/events: not of api.video, but for `apivideo trigger --through`.
function routes.emit(self, request, headers)
  local event, err = self.events:parse(request.body)
  if not event then
    return refuse(headers, { title = err.message, name = err.field, status = 400 })
  end
  self:emit(request.body)
  return answer(202, headers, { deliveries = #self.account:subscribed(event.type) })
end

local function route_of(request)
  local method, path = request.method, request.path
  if path == "/webhooks" then
    return method == "POST" and routes.create or method == "GET" and routes.list
  elseif path == "/emulator/events" then
    return method == "POST" and routes.emit
  end
  local id = path:match("^/webhooks/([^/]+)$")
  return id and (method == "GET" and routes.get or method == "DELETE" and routes.delete), id
end

local function handle(self, request)
  if not self.credentials[request.headers.authorization] then
    return refuse({}, problems.unauthorized())
  end
  local class = request.method == "GET" and "reads" or "writes"
  local allowed, headers = self.account:count_call(class)
  if not allowed then return refuse(headers, problems.too_many_requests()) end
  local route, id = route_of(request)
  if not route then return refuse(headers, problems.not_found("")) end
  return route(self, request, headers, id)
end

local function deliver(self, webhook, raw)
  local delivery = sender.new { url = webhook.url, raw = raw, webhookId = webhook.webhookId }
  self.deliveries[#self.deliveries + 1] = delivery
  if #self.deliveries > KEPT_DELIVERIES then table.remove(self.deliveries, 1) end
  self.pending = self.pending + 1
  runtime.spawn(function()
    local ok, err = protected.call(sender.send, delivery, webhook.signatureSecret, self.policy,
      function(attempt)
        if self.on_attempt then self.on_attempt(delivery, attempt) end
      end)
    if not ok then
      delivery.state = "failed"
      io.stderr:write("apivideo.emulator: a delivery failed: ", redact.text(tostring(err)), "\n")
    end
    self.pending = self.pending - 1
    if self.pending == 0 and self.settled then
      self.settled:open(true)
      self.settled = nil
    end
  end)
  return delivery
end

--- Makes an event happen: it is sent to every webhook that subscribes to its type.
---@param event apivideo.Event|string a table (emittedAt is now when it is missing), or the very bytes to send
---@return apivideo.emulator.Delivery[] deliveries under way, one for each webhook
function Emulator:emit(event)
  if type(event) ~= "string" and (type(event) ~= "table" or type(event.type) ~= "string") then
    error("emulator:emit: an event (a table with a type) or the bytes to send expected", 2)
  elseif self.events.types[event] then
    error("emulator:emit: a type is no event; emit its sample: events:sample \"" .. event .. '"', 2)
  end
  local raw = type(event) == "string" and event or sender.encode(event, self.events)
  local parsed = type(event) == "table" and event or self.events:parse(raw) or {}
  local deliveries = {}
  for _, webhook in ipairs(self.account:subscribed(parsed.type)) do
    deliveries[#deliveries + 1] = deliver(self, webhook, raw)
  end
  return deliveries
end

--- Waits until no delivery is under way.
---@param seconds? number how long at most
---@return true|nil settled
---@return "timeout"?
function Emulator:settle(seconds)
  if self.pending == 0 then return true end
  self.settled = self.settled or runtime.latch()
  return self.settled:wait(seconds)
end

--- Stops serving.
function Emulator:stop()
  self.server:stop()
end

local known = {
  api_key = "string", host = "string?", port = "number?", webhook_limit = "number?",
  rate_limits = "table?", attempts = "number?", interval = "number?", timeout = "number?",
  events = "table?", on_attempt = "function?",
}

---@class apivideo.EmulatorOptions
---@field api_key string the key that is let in
---@field host? string default 127.0.0.1
---@field port? integer default 0: any free one
---@field webhook_limit? integer default 10
---@field rate_limits? { reads: integer, writes: integer } calls in a minute; the sandbox's by default: 100, 40
---@field attempts? integer of a delivery in all, default 3 (the older guide; the newer one: 4)
---@field interval? number seconds between two attempts, default 3
---@field timeout? number seconds for one attempt, default 10
---@field events? apivideo.Catalogue the types that there are
---@field on_attempt? fun(delivery: apivideo.emulator.Delivery, attempt: apivideo.emulator.Attempt)

local emulator = {}

--- Starts a local api.video. It serves while tasks run or something waits: inside `apivideo.run`,
--- or while a call of the same process waits for its answer.
---@param given apivideo.EmulatorOptions
---@return apivideo.Emulator|nil emulator
---@return apivideo.Error? err when it cannot listen
function emulator.start(given)
  options.check("emulator.start", given, known)
  for name, least in pairs { attempts = 1, interval = 0, timeout = 0.001, webhook_limit = 0 } do
    if given[name] and given[name] < least then
      error(("emulator.start: option \"%s\" must be a number from %s on"):format(name, least), 2)
    end
  end
  if given.rate_limits and not (given.rate_limits.reads and given.rate_limits.writes) then
    error("emulator.start: option \"rate_limits\" must have reads and writes", 2)
  end
  local self = setmetatable({
    events = given.events or catalogue,
    account = account.new(given.webhook_limit or 10,
      given.rate_limits or { reads = 100, writes = 40 }),
    credentials = { ["Basic " .. base64(given.api_key .. ":")] = true },
    policy = {
      attempts = given.attempts or sender.policy.attempts,
      interval = given.interval or sender.policy.interval,
      timeout = given.timeout or sender.policy.timeout,
    },
    on_attempt = given.on_attempt,
    deliveries = {}, pending = 0,
  }, Emulator)
  local listening, err = server.listen {
    host = given.host, port = given.port or 0,
    handler = function(request) return handle(self, request) end,
  }
  if not listening then return nil, err end
  self.server, self.url, self.port = listening, listening.url, listening.port
  return self
end

return emulator
