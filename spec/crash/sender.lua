--- Sends signed events as api.video does: up to four attempts for each, and some deliveries several times
--- at once. It records which events got a 2xx response.

local apivideo = require "apivideo"
local events = require "spec.crash.events"
local http = require "apivideo.transport.http"
local runtime = require "apivideo.runtime"
local terms = require "spec.crash.terms"

local ATTEMPTS = 4
local TIMEOUT = 3    -- seconds for one attempt: all attempts fit into the time that api.video takes
local COPIES = 3     -- of one event at the same time, at most

local sender = {}

---@class spec.crash.Sender
---@field sent table<string, boolean> by the name of an event: whether it got a 2xx response
---@field restamps boolean whether the retries of a broadcast have a new time
---@field statuses table<integer|string, integer> the number of responses by status
local Sender = {}
Sender.__index = Sender

--- One attempt: its status, or nil.
function Sender:attempt(url, raw)
  local response, err = http.request {
    method = "POST", url = url, body = raw, timeout = TIMEOUT,
    headers = { "Content-Type: application/json", "X-Api-Video-Signature: " .. apivideo.sign(raw, terms.SECRET),
      "X-Api-Video-WebhookID: webhook_" .. math.random(2) },
  }
  local status = response and response.status or err.kind
  self.statuses[status] = (self.statuses[status] or 0) + 1
  return response and response.status
end

-- One delivery, with all its attempts.
local function deliver(self, name, stamp)
  for attempt = 1, ATTEMPTS do
    if attempt > 1 then runtime.sleep(math.random() * 0.2) end
    local url = self.url_of()
    local status = url and self:attempt(url, stamp())
    if status and status < 300 then
      self.sent[name] = true
      return
    end
  end
end

--- One event, in several deliveries at once; its name.
function Sender:send(copies)
  self.number = self.number + 1
  local name, stamp = self.new_event(self.number, self.restamps)
  self.sent[name] = false
  local times = {}
  for i = 1, copies do times[i] = i end
  local _, errs = apivideo.parallel(copies, times, function() deliver(self, name, stamp) end)
  if errs then error(select(2, next(errs)), 0) end
  return name
end

--- Makes one.
---@param url_of fun(): string? where to send to, now
---@param new_event? fun(number: integer, restamps: boolean): string, fun(): string its name, and the bytes of an attempt
function sender.new(url_of, new_event)
  return setmetatable({
    url_of = url_of, new_event = new_event or events.new,
    sent = {}, restamps = true, statuses = {}, number = 0, running = 0,
  }, Sender)
end

--- Sends over some connections, until it is stopped.
---@param connections integer
---@param pause number seconds between two events of one, at most
function Sender:start(connections, pause)
  self.running = connections
  for _ = 1, connections do
    apivideo.spawn(function()
      while not self.stopped do
        self:send(math.random(COPIES))
        runtime.sleep(math.random() * pause)
      end
      self.running = self.running - 1
    end)
  end
end

--- Lets it end, and waits for that.
function Sender:stop()
  self.stopped = true
  while self.running > 0 do runtime.sleep(0.01) end
end

--- How many events were sent, and how many of these got a 2xx response.
function Sender:count()
  local sent, acknowledged = 0, 0
  for _, is_acknowledged in pairs(self.sent) do
    sent = sent + 1
    if is_acknowledged then acknowledged = acknowledged + 1 end
  end
  return sent, acknowledged
end

return sender
