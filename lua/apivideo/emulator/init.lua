--- The emulator: a local api.video that implements the part of the API that this library calls, and sends signed
--- deliveries. For tests and experiments; nothing in production needs it. https://docs.api.video/reference
--
-- The room has a module for each resource (its routes and default fields), for what all routes share (api, pages,
-- query, problems), for the account's state (collection, tokens, limits, faults), and for deliveries (sender).

local api = require "apivideo.emulator.api"
local broadcasts = require "apivideo.emulator.broadcasts"
local catalogue = require "apivideo.events"
local checks = require "apivideo.util.checks"
local collection = require "apivideo.emulator.collection"
local deliveries = require "apivideo.emulator.deliveries"
local delivery_faults = require "apivideo.emulator.delivery_faults"
local emulator_options = require "apivideo.emulator.options"
local encoding = require "apivideo.emulator.encoding"
local failure = require "apivideo.util.failure"
local faults = require "apivideo.emulator.faults"
local history = require "apivideo.emulator.history"
local limits = require "apivideo.emulator.limits"
local live_streams = require "apivideo.emulator.live_streams"
local log = require "apivideo.runtime.log"
local outgoing = require "apivideo.events.outgoing"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local schema = require "apivideo.emulator.schema"
local sender = require "apivideo.emulator.sender"
local server = require "apivideo.server"
local summaries = require "apivideo.emulator.summaries"
local tables = require "apivideo.util.tables"
local tokens = require "apivideo.emulator.tokens"
local unknown = require "apivideo.events.unknown"
local videos = require "apivideo.emulator.videos"
local webhooks = require "apivideo.emulator.webhooks"

local MAX_BODY_BYTES = 32 * 1024 * 1024 -- of a video's source

---@class apivideo.Emulator
---@field url string the base URL
---@field port integer
---@field server apivideo.Server
---@field deliveries apivideo.emulator.Delivery[] the last 1000, or fewer large ones (8 MiB in all), oldest first
---@field requests apivideo.emulator.Request[] the last 1000, or fewer large ones (8 MiB in all), oldest first; their headers contain keys and tokens
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
---@field package _requests apivideo.emulator.History of `requests`
---@field package _deliveries apivideo.emulator.History of `deliveries`
---@field package _was_reset apivideo.Latch opens at the next reset
---@field package _delivery_faults apivideo.emulator.DeliveryFaults
---@field package _encoding apivideo.EncodingOptions with all options
---@field private _settings apivideo.EmulatorOptions
---@field package _policy apivideo.emulator.Policy
---@field package _on_attempt? fun(delivery: apivideo.emulator.Delivery, attempt: apivideo.emulator.Attempt)
---@field private _pending integer deliveries and encodings in progress
---@field private _settled? apivideo.Latch opens when none is in progress
local Emulator = {}
Emulator.__index = Emulator
Emulator.__name = "apivideo.Emulator"

function Emulator:__tostring()
  return "apivideo.emulator " .. self.url
end

--- Runs a task that `settle` waits for.
---@package
---@param what string the task, for the message if it raises an error
---@param fn fun()
---@param on_error? fun()
function Emulator:_spawn(what, fn, on_error)
  self._pending = self._pending + 1
  runtime.spawn(function()
    local ok, err = protected.call(fn)
    if not ok then
      if on_error then on_error() end
      log.error(("emulator: %s raised an error: %s"):format(what, failure.message(err)))
    end
    self._pending = self._pending - 1
    if self._pending == 0 and self._settled then
      self._settled:open(true)
      self._settled = nil
    end
  end)
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
  local raw = type(event) == "string" and event or outgoing.encode(event, self._events)
  local parsed = type(event) == "table" and event or self._events:parse(raw) or {}
  if parsed.type and not self._events.types[parsed.type] then
    unknown.warn("emulator:emit", parsed.type, self._events, "it is sent to the webhooks that subscribe to it")
  end
  local started = {}
  for _, webhook in ipairs(webhooks.subscribed(self.webhooks, parsed.type)) do
    started[#started + 1] = deliveries.start(self, webhook, raw)
  end
  return started
end

--- Waits until no delivery and no encoding is in progress.
---@param seconds? number timeout, default none
---@return true|nil settled
---@return "timeout"?
function Emulator:settle(seconds)
  checks.self(self, Emulator, "emulator", "settle")
  checks.value("emulator:settle: seconds", seconds, "seconds>=0?", 2)
  if self._pending == 0 then return true end
  self._settled = self._settled or runtime.latch()
  return self._settled:wait(seconds)
end

-- Fills in the missing fields of an object, stores it, and returns a copy: later changes of the argument and of the
-- copy do not affect the stored object. Callers must not tail-call it: error level 3 would be another function.
local function put(self, method, target, resource, fields)
  if type(fields) ~= "table" then
    error(("emulator:%s: expected a table of fields, got %s"):format(method, type(fields)), 3)
  end
  local problem = schema.problem(fields, resource.schema)
  if problem then error(("emulator:%s: %s"):format(method, problem), 3) end
  local object = resource.complete(fields, self.url)
  target:put(object)
  return tables.copy(object)
end

--- Adds a video, or replaces the one with the same videoId. Besides the fields of a video, the table may contain
--- `status` (the response of GET /videos/{videoId}/status) and `captions` (a list).
---@param video table any of the fields; the others get defaults
---@return table video with all its fields
function Emulator:put_video(video)
  checks.self(self, Emulator, "emulator", "put_video")
  return (put(self, "put_video", self.videos, videos, video))
end

--- Adds a live stream, or replaces the one with the same liveStreamId.
---@param live_stream table any of the fields; the others get defaults
---@return table live_stream with all its fields
function Emulator:put_live_stream(live_stream)
  checks.self(self, Emulator, "emulator", "put_live_stream")
  return (put(self, "put_live_stream", self.live_streams, live_streams, live_stream))
end

--- Adds a summary, or replaces the one with the same summaryId.
---@param summary table any of the fields; the others get defaults
---@return table summary with all its fields
function Emulator:put_summary(summary)
  checks.self(self, Emulator, "emulator", "put_summary")
  return (put(self, "put_summary", self.summaries, summaries, summary))
end

--- Sets how the sources of videos are encoded from now on.
---@param options apivideo.EncodingOptions a missing option is its default
function Emulator:set_encoding(options)
  checks.self(self, Emulator, "emulator", "set_encoding")
  self._encoding = encoding.settings(options)
end

--- Sets which deliveries are lost, late, repeated or overtaken from now on.
---@param options apivideo.DeliveryOptions a missing option is its default
function Emulator:set_deliveries(options)
  checks.self(self, Emulator, "emulator", "set_deliveries")
  self._delivery_faults = delivery_faults.new("emulator:set_deliveries", options, 3)
end

--- Starts a broadcast of a live stream: emits `live-stream.broadcast.started`.
---@param id string its liveStreamId
---@return table live_stream a copy
function Emulator:start_broadcast(id)
  checks.self(self, Emulator, "emulator", "start_broadcast")
  checks.value("emulator:start_broadcast: id", id, "string", 2)
  local stream, problem = broadcasts.start(self, id)
  if not stream then error("emulator:start_broadcast: " .. problem, 2) end
  return tables.copy(stream)
end

--- Ends a broadcast of a live stream: emits `live-stream.broadcast.ended`, then `video.source.recorded`, and encodes the
--- recording.
---@param id string its liveStreamId
---@return table video the recording, a copy
function Emulator:end_broadcast(id)
  checks.self(self, Emulator, "emulator", "end_broadcast")
  checks.value("emulator:end_broadcast: id", id, "string", 2)
  local video, problem = broadcasts.finish(self, id)
  if not video then error("emulator:end_broadcast: " .. problem, 2) end
  return tables.copy(video)
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

-- Sets the state of an emulator that has had no request yet.
local function set_initial_state(self)
  local settings = self._settings
  self.webhooks, self.videos = collection.new "webhookId", collection.new "videoId"
  self.live_streams, self.summaries = collection.new "liveStreamId", collection.new "summaryId"
  self._tokens = tokens.new(settings.api_key, settings.token_lifetime or 3600)
  self._limits = limits.new(settings.rate_limits or { reads = 100, writes = 40 }, settings.rate_window or 60)
  self._faults = faults.new()
  self._delivery_faults = delivery_faults.new('emulator.start: option "deliveries"', settings.deliveries or {}, 4)
  self._encoding = encoding.settings {}
  self._requests, self._deliveries = history.new(), history.new()
  self.requests, self.deliveries = self._requests.items, self._deliveries.items
  self._was_reset = runtime.latch()
end

--- Restores the state after the start, for the next test: no webhooks, objects, faults, tokens, requests and
--- deliveries, and an unused rate limit. Deliveries in progress fail at once, and encodings end.
function Emulator:reset()
  checks.self(self, Emulator, "emulator", "reset")
  self:clear_faults()
  self._was_reset:open(true)
  set_initial_state(self)
end

---@class apivideo.EmulatorModule
local emulator = {}

--- Starts an emulator and returns at once. It serves while the event loop runs: inside `apivideo.run`, or while a call
--- of the same process waits for its response.
---@param options apivideo.EmulatorOptions
---@return apivideo.Emulator|nil emulator
---@return apivideo.Error? err `network` if it cannot listen
function emulator.start(options)
  emulator_options.check(options)
  local self = setmetatable({
    _settings = tables.merge(options),
    _events = options.events or catalogue,
    _webhook_limit = options.webhook_limit or 10,
    _policy = {
      max_attempts = options.max_attempts or sender.policy.max_attempts,
      interval = options.interval or sender.policy.interval,
      timeout = options.timeout or sender.policy.timeout,
    },
    _on_attempt = options.on_attempt,
    _pending = 0, _stopped = runtime.latch(),
  }, Emulator)
  set_initial_state(self)
  local listening, err = server.listen {
    host = options.host, port = options.port or 0, max_body = MAX_BODY_BYTES,
    handler = function(request) return api.handle(self, request) end,
  }
  if not listening then return nil, err end
  self.server, self.url, self.port = listening, listening.url, listening.port
  return self
end

return emulator
