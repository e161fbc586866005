--- The emulator: a local api.video that implements the part of the API that this library calls, and sends signed
--- deliveries. For tests and experiments; nothing in production needs it. https://docs.api.video/reference
--
-- The room has a module for each resource (its routes and default fields), for what all routes share (api, pages,
-- query, problems), for the account's state (collection, tokens, limits, faults), and for deliveries (sender).

local api = require "apivideo.emulator.api"
local catalogue = require "apivideo.events"
local checks = require "apivideo.util.checks"
local collection = require "apivideo.emulator.collection"
local faults = require "apivideo.emulator.faults"
local limits = require "apivideo.emulator.limits"
local live_streams = require "apivideo.emulator.live_streams"
local protected = require "apivideo.util.pcall"
local redact = require "apivideo.util.redact"
local runtime = require "apivideo.runtime"
local sender = require "apivideo.emulator.sender"
local server = require "apivideo.server"
local summaries = require "apivideo.emulator.summaries"
local tables = require "apivideo.util.tables"
local tokens = require "apivideo.emulator.tokens"
local videos = require "apivideo.emulator.videos"
local webhooks = require "apivideo.emulator.webhooks"

local DELIVERIES_MAX = 1000

---@class apivideo.Emulator
---@field url string the base URL
---@field port integer
---@field server apivideo.Server
---@field deliveries apivideo.emulator.Delivery[] the last 1000, oldest first
---@field requests apivideo.emulator.Request[] the last 1000, oldest first; their headers contain keys and tokens
---@field package webhooks apivideo.emulator.Collection
---@field package videos apivideo.emulator.Collection
---@field package live_streams apivideo.emulator.Collection
---@field package summaries apivideo.emulator.Collection
---@field package _events apivideo.Catalogue
---@field package _webhook_limit integer
---@field package _tokens apivideo.emulator.Tokens
---@field package _limits apivideo.emulator.Limits
---@field package _faults apivideo.emulator.Faults
---@field package _stopped apivideo.Latch
---@field private _policy apivideo.emulator.Policy
---@field private _on_attempt? fun(delivery: apivideo.emulator.Delivery, attempt: apivideo.emulator.Attempt)
---@field private _pending integer deliveries in progress
---@field private _settled? apivideo.Latch opens when no delivery is in progress
local Emulator = {}
Emulator.__index = Emulator
Emulator.__name = "apivideo.Emulator"

function Emulator:__tostring()
  return "apivideo.emulator " .. self.url
end

local function deliver(self, webhook, raw)
  local delivery = sender.new { url = webhook.url, raw = raw, webhookId = webhook.webhookId }
  self.deliveries[#self.deliveries + 1] = delivery
  if #self.deliveries > DELIVERIES_MAX then table.remove(self.deliveries, 1) end
  self._pending = self._pending + 1
  runtime.spawn(function()
    local ok, err = protected.call(sender.send, delivery, webhook.signatureSecret, self._policy,
      function(attempt)
        if self._on_attempt then self._on_attempt(delivery, attempt) end
      end)
    if not ok then
      delivery.state = "failed"
      io.stderr:write("apivideo.emulator: a delivery raised an error: ", redact.text(tostring(err)), "\n")
    end
    self._pending = self._pending - 1
    if self._pending == 0 and self._settled then
      self._settled:open(true)
      self._settled = nil
    end
  end)
  return delivery
end

--- Emits an event: sends it to every webhook that subscribes to its type; bytes that
--- are not an event, to every webhook.
---@param event apivideo.Event|string a table (`emittedAt` is now by default), or the exact bytes to send
---@return apivideo.emulator.Delivery[] deliveries in progress, one for each webhook
function Emulator:emit(event)
  checks.self(self, Emulator, "emulator", "emit")
  if type(event) ~= "string" and (type(event) ~= "table" or type(event.type) ~= "string") then
    error("emulator:emit: expected an event (a table with a type) or the bytes to send, got "
      .. (type(event) == "table" and "a table without a type" or type(event)), 2)
  elseif self._events.types[event] then
    error(("emulator:emit: %s is an event type, not an event; emit its sample, apivideo.events:sample \"%s\"")
      :format(event, event), 2)
  end
  local raw = type(event) == "string" and event or sender.encode(event, self._events)
  local parsed = type(event) == "table" and event or self._events:parse(raw) or {}
  local deliveries = {}
  for _, webhook in ipairs(webhooks.subscribed(self.webhooks, parsed.type)) do
    deliveries[#deliveries + 1] = deliver(self, webhook, raw)
  end
  return deliveries
end

--- Waits until no delivery is in progress.
---@param seconds? number timeout, default none
---@return true|nil settled
---@return "timeout"?
function Emulator:settle(seconds)
  checks.self(self, Emulator, "emulator", "settle")
  if self._pending == 0 then return true end
  self._settled = self._settled or runtime.latch()
  return self._settled:wait(seconds)
end

-- Fills in the missing fields of an object, stores it, and returns a copy: later changes of the argument and of the copy do not affect the
-- stored object. Callers must not tail-call it: error level 3 would be another function.
local function put(method, target, resource, fields, types)
  if type(fields) ~= "table" then
    error(("emulator:%s: expected a table of fields, got %s"):format(method, type(fields)), 3)
  end
  for field, expected in pairs(types) do
    if fields[field] ~= nil and type(fields[field]) ~= expected then
      error(("emulator:%s: field \"%s\" must be a %s, got %s"):format(method, field, expected,
        type(fields[field])), 3)
    end
  end
  local object = resource.complete(fields)
  target:put(object)
  return tables.copy(object)
end

--- Adds a video, or replaces the one with the same videoId. Besides the fields of a video, the table may contain
--- `status` (the response of GET /videos/{videoId}/status) and `captions` (a list).
---@param video table any of the fields; the others get defaults
---@return table video with all its fields
function Emulator:put_video(video)
  checks.self(self, Emulator, "emulator", "put_video")
  return (put("put_video", self.videos, videos, video,
    { videoId = "string", status = "table", captions = "table", tags = "table", metadata = "table" }))
end

--- Adds a live stream, or replaces the one with the same liveStreamId.
---@param live_stream table any of the fields; the others get defaults
---@return table live_stream with all its fields
function Emulator:put_live_stream(live_stream)
  checks.self(self, Emulator, "emulator", "put_live_stream")
  return (put("put_live_stream", self.live_streams, live_streams, live_stream,
    { liveStreamId = "string", restreams = "table" }))
end

--- Adds a summary, or replaces the one with the same summaryId.
---@param summary table any of the fields; the others get defaults
---@return table summary with all its fields
function Emulator:put_summary(summary)
  checks.self(self, Emulator, "emulator", "put_summary")
  return (put("put_summary", self.summaries, summaries, summary,
    { summaryId = "string", videoId = "string" }))
end

--- Injects a fault into the next requests, except those to /emulator. A request gets at most one fault: the first one,
--- in the order of the calls, that applies to it.
---@param fault apivideo.emulator.Fault
function Emulator:fault(fault)
  checks.self(self, Emulator, "emulator", "fault")
  if self._faults:add(fault) == "refuse" then self.server:refuse(fault.times or 1) end
end

--- Removes the faults that are still pending.
function Emulator:clear_faults()
  checks.self(self, Emulator, "emulator", "clear_faults")
  self._faults:clear()
  self.server:refuse(0)
end

--- Expires all access tokens. Refresh tokens stay valid.
function Emulator:expire_tokens()
  checks.self(self, Emulator, "emulator", "expire_tokens")
  self._tokens:expire()
end

--- Stops the server. Requests that a fault delays get their response at once; stalled connections are closed.
function Emulator:stop()
  checks.self(self, Emulator, "emulator", "stop")
  self._stopped:open()
  self.server:stop()
end

local KNOWN_OPTIONS = {
  api_key = "string", host = "string?", port = "integer>=0<=65535?", webhook_limit = "integer>=0?",
  rate_limits = "table?", rate_window = "seconds>0?", token_lifetime = "seconds>0?", attempts = "integer>=1?",
  interval = "seconds>=0?", timeout = "seconds>=0.001<=86400?", events = "table?", on_attempt = "function?",
}

---@class apivideo.EmulatorOptions
---@field api_key string the API key that is accepted
---@field host? string default 127.0.0.1
---@field port? integer default 0: any free port
---@field webhook_limit? integer default 10
---@field rate_limits? { reads: integer, writes: integer } calls in a window; default those of the sandbox, 100 and 40
---@field rate_window? number seconds of a window, default 60
---@field token_lifetime? number seconds that an access token is valid, default 3600
---@field attempts? integer of a delivery in total, default 3 (as in api.video's older guide; in its newer one, 4)
---@field interval? number seconds between two attempts, default 3
---@field timeout? number seconds for one attempt, default 10
---@field events? apivideo.Catalogue the event types, default apivideo.events
---@field on_attempt? fun(delivery: apivideo.emulator.Delivery, attempt: apivideo.emulator.Attempt)

local function check(settings)
  if not runtime.watch then
    error("emulator.start: the emulator cannot run in an nginx worker, because nginx owns the event loop; run it in its"
      .. " own process, with `apivideo emulate`", 3)
  end
  checks.options("emulator.start", settings, KNOWN_OPTIONS, 4)
  if settings.rate_limits then
    checks.options("emulator.start: option \"rate_limits\"", settings.rate_limits,
      { reads = "integer>=0", writes = "integer>=0" }, 4)
  end
end

---@class apivideo.EmulatorModule
local emulator = {}

--- Starts an emulator and returns at once. It serves while the event loop runs: inside `apivideo.run`, or while a call
--- of the same process waits for its response.
---@param settings apivideo.EmulatorOptions
---@return apivideo.Emulator|nil emulator
---@return apivideo.Error? err `network` if it cannot listen
function emulator.start(settings)
  check(settings)
  local self = setmetatable({
    _events = settings.events or catalogue,
    _webhook_limit = settings.webhook_limit or 10,
    webhooks = collection.new "webhookId", videos = collection.new "videoId",
    live_streams = collection.new "liveStreamId", summaries = collection.new "summaryId",
    _tokens = tokens.new(settings.api_key, settings.token_lifetime or 3600),
    _limits = limits.new(settings.rate_limits or { reads = 100, writes = 40 }, settings.rate_window or 60),
    _faults = faults.new(),
    _policy = {
      attempts = settings.attempts or sender.policy.attempts,
      interval = settings.interval or sender.policy.interval,
      timeout = settings.timeout or sender.policy.timeout,
    },
    _on_attempt = settings.on_attempt,
    deliveries = {}, requests = {}, _pending = 0, _stopped = runtime.latch(),
  }, Emulator)
  local listening, err = server.listen {
    host = settings.host, port = settings.port or 0,
    handler = function(request) return api.handle(self, request) end,
  }
  if not listening then return nil, err end
  self.server, self.url, self.port = listening, listening.url, listening.port
  return self
end

return emulator
