--- Functions registered for events, by type.

local catalogue = require "apivideo.events"
local checks = require "apivideo.util.checks"
local conditions_of_videos = require "apivideo.util.conditions"
local constructor = require "apivideo.util.constructor"
local delivered_video = require "apivideo.events.delivered_video"
local derivation = require "apivideo.events.derivation"
local derived = require "apivideo.events.derived"
local derived_delivery = require "apivideo.events.derived_delivery"
local filters = require "apivideo.events.filter"
local handler_call = require "apivideo.events.handler_call"
local members = require "apivideo.util.members"
local registry = require "apivideo.events.registry"
local tables = require "apivideo.util.tables"
local unknown = require "apivideo.events.unknown"
local wakeups = require "apivideo.runtime.wakeups"

local run, type, waiting = handler_call.run, type, wakeups.waiting

local REGISTERED = "the function is registered anyway. If the type is newer than this library, add it with"
  .. " events:extend"

local AVAILABLE = "apivideo.caption.available"
local READY, RECORDING = "apivideo.video.ready", "apivideo.recording.ready"
local FAILED = { "apivideo.video.failed", "apivideo.summary.failed" }

-- Derived types that exist only for the functions that a method registers.
local REGISTERED_BY = { [READY] = "handlers:on_ready", [RECORDING] = "handlers:on_recording",
  [AVAILABLE] = "handlers:on_caption" }

---@alias apivideo.Handler fun(event: apivideo.Event, delivery: apivideo.Delivery): any, any
---A handler fails by raising an error, by returning `false`, or by returning `nil` and an error.

---@class apivideo.Handlers
---@field events apivideo.Catalogue
local Handlers = {}
Handlers.__index = Handlers
Handlers.__name = "apivideo.Handlers"

-- Handlers -> their registry: a lookup that tells whether `self` is valid costs less than a call of getmetatable.
local registries = setmetatable({}, { __mode = "k" })

Handlers.__tostring = function() return "apivideo.handlers" end

local function check_function(where, fn)
  if type(fn) ~= "function" then
    error(("%s: a function expected, got %s"):format(where, type(fn)), 3)
  end
end

-- The argument `types` as a list. Raises an error at level 3.
local function list_of(where, types)
  checks.value(where .. ": types", types, "string|strings", 3)
  local list = type(types) == "table" and types or { types }
  if #list == 0 then error(where .. ": an event type is missing", 3) end
  return list
end

-- Raises an error at level 3 for a type of `REGISTERED_BY`.
local function check_registered_by_type(where, list, remedy)
  for _, name in ipairs(list) do
    local method = REGISTERED_BY[name]
    if method then
      error(("%s: events of type %s exist only for the functions of %s; %s"):format(where, name, method,
        remedy or "use " .. method), 3)
    end
  end
end

-- The types and patterns that match no type of the catalogue: mistyped, or newer than this library. With `strict`, they
-- raise an error at level 3.
local function unknown_of(self, list)
  local names = {}
  for _, name in ipairs(list) do
    if #self._registry:known(name) == 0 then names[#names + 1] = name end
  end
  if self._strict and names[1] then
    error(("handlers:on: %s. If it is newer than this library, add it with events:extend, or omit strict")
      :format(unknown.describe(names[1], self.events)), 3)
  end
  return names
end

-- The conditions of a filter; nil without a filter. Raises an error at level 3.
local function conditions_of(self, filter, list)
  if filter == nil then return nil end
  local conditions, problem = filters.compile(filter, list, self._registry:schemas(list))
  if not conditions then error("handlers:on: " .. problem, 3) end
  return conditions
end

--- Registers a function for a type, a list of types, or a pattern: `video.*` matches every type that begins with
--- `video.`, `*` matches all types that api.video sends. All functions that match an event run, in the order of their registration.
--- `handlers:on(types, filter, fn)` only runs the function for events that match the filter. A type that the catalogue
--- does not have is registered, with a warning in the log; it raises an error in `handlers { strict = true }`.
---@param types string|string[]
---@param filter? apivideo.Filter may be left out
---@param fn apivideo.Handler
---@return apivideo.Handlers self
---@overload fun(self: apivideo.Handlers, types: "live-stream.broadcast.started", fn: fun(event: apivideo.event.LiveStreamBroadcastStarted, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "live-stream.broadcast.started", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.LiveStreamBroadcastStarted, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "live-stream.broadcast.ended", fn: fun(event: apivideo.event.LiveStreamBroadcastEnded, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "live-stream.broadcast.ended", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.LiveStreamBroadcastEnded, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.source.recorded", fn: fun(event: apivideo.event.VideoSourceRecorded, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.source.recorded", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.VideoSourceRecorded, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.encoding.quality.completed", fn: fun(event: apivideo.event.VideoEncodingQualityCompleted, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.encoding.quality.completed", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.VideoEncodingQualityCompleted, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.caption.generated", fn: fun(event: apivideo.event.VideoCaptionGenerated, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.caption.generated", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.VideoCaptionGenerated, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.summary.generated", fn: fun(event: apivideo.event.VideoSummaryGenerated, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "video.summary.generated", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.VideoSummaryGenerated, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "apivideo.video.failed", fn: fun(event: apivideo.event.ApivideoVideoFailed, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "apivideo.video.failed", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.ApivideoVideoFailed, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "apivideo.summary.failed", fn: fun(event: apivideo.event.ApivideoSummaryFailed, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: "apivideo.summary.failed", filter: apivideo.Filter|nil, fn: fun(event: apivideo.event.ApivideoSummaryFailed, delivery: apivideo.Delivery): any, any): apivideo.Handlers
---@overload fun(self: apivideo.Handlers, types: string|string[], fn: apivideo.Handler): apivideo.Handlers
function Handlers:on(types, filter, fn)
  checks.self(self, Handlers, "handlers", "on")
  if type(filter) == "function" and fn == nil then filter, fn = nil, filter end
  local list = list_of("handlers:on", types)
  check_registered_by_type("handlers:on", list)
  local unknown_names = unknown_of(self, list)
  local conditions = conditions_of(self, filter, list)
  check_function("handlers:on", fn)
  for _, name in ipairs(unknown_names) do unknown.warn("handlers:on", name, self.events, REGISTERED) end
  for _, name in ipairs(list) do self._registry:add(name, fn, conditions) end
  return self
end

local dispatch_and_derive

-- The derivation, which the first function of on_ready or on_recording creates.
local function derivation_of(self)
  if not self._derivation then
    self._derivation, self._derived_dispatch = derivation.new(), derived_delivery.dispatch(self)
    self.dispatch = dispatch_and_derive
  end
  return self._derivation
end

--- Registers a function for a video that meets a condition: it runs once for each video and condition. With an inbox,
--- its event is stored in the step that completes the event from which it follows; without one, it runs in that
--- event's dispatch, once in this process.
---@param condition string "playable" (a quality is encoded), "mp4", an HLS quality such as "720p", or "all" (each quality that the status lists is encoded or failed), without case; "all" needs the option `client`
---@param fn fun(event: apivideo.event.ApivideoVideoReady, delivery: apivideo.Delivery): any, any
---@return apivideo.Handlers self
function Handlers:on_ready(condition, fn)
  checks.self(self, Handlers, "handlers", "on_ready")
  if type(condition) == "function" then
    error("handlers:on_ready: condition must be a string: a function has no name that is the same in each process;"
      .. " use videos:wait, or test the status in a handler", 2)
  end
  condition = conditions_of_videos.normal(condition)
  local problem = conditions_of_videos.problem(condition, true)
  if problem then error("handlers:on_ready: " .. problem, 2) end
  if condition == "all" and not self._client then
    error("handlers:on_ready: \"all\" needs the status of the video; create the handlers with the option client", 2)
  end
  check_function("handlers:on_ready", fn)
  unknown.warn_condition("handlers:on_ready", condition, "the function runs if a video has it")
  self._registry:add(READY, fn, conditions_of(self, { condition = condition }, { READY }))
  derivation_of(self):add_condition(condition)
  return self
end

--- Registers a function for recordings of live streams: it runs once for each recording, when that is playable. Where
--- the events do not name the live stream, the option `client` is needed.
---@param fn fun(event: apivideo.event.ApivideoRecordingReady, delivery: apivideo.Delivery): any, any
---@return apivideo.Handlers self
function Handlers:on_recording(fn)
  checks.self(self, Handlers, "handlers", "on_recording")
  check_function("handlers:on_recording", fn)
  self._registry:add(RECORDING, fn)
  derivation_of(self):add_recordings()
  return self
end

--- Registers a function for captions: it runs once for each video and language, whether `video.caption.generated` came
--- or a reconciliation found the caption. That event's `captionId` cannot be read, so the event itself is not found.
---@param fn fun(event: apivideo.event.ApivideoCaptionAvailable, delivery: apivideo.Delivery): any, any
---@return apivideo.Handlers self
function Handlers:on_caption(fn)
  checks.self(self, Handlers, "handlers", "on_caption")
  check_function("handlers:on_caption", fn)
  self._registry:add(AVAILABLE, fn)
  derivation_of(self):add_captions()
  return self
end

--- Registers a function for failures that api.video reports in no event: of a quality or a summary.
---@param fn fun(event: apivideo.event.ApivideoVideoFailed|apivideo.event.ApivideoSummaryFailed, delivery: apivideo.Delivery): any, any
---@return apivideo.Handlers self
function Handlers:on_failed(fn)
  checks.self(self, Handlers, "handlers", "on_failed")
  check_function("handlers:on_failed", fn)
  for _, name in ipairs(FAILED) do self._registry:add(name, fn) end
  return self
end

--- Removes registrations of `on`, with and without a filter, and of `on_failed`. Those of `on_ready`, `on_recording` and
--- `on_caption` stay: what they derive may be stored, and must be handled.
---@param types string|string[] as they were registered
---@param fn apivideo.Handler
---@return integer count how many there were
function Handlers:off(types, fn)
  checks.self(self, Handlers, "handlers", "off")
  local list, count = list_of("handlers:off", types), 0
  check_registered_by_type("handlers:off", list, "they cannot be removed: create other handlers")
  check_function("handlers:off", fn)
  for _, name in ipairs(list) do count = count + self._registry:remove(name, fn) end
  return count
end

--- The types for which a function is registered: with patterns, the types of the catalogue that they match; with
--- `on_ready` and `on_recording`, those that they need. For `webhooks:sync { { url = …, events = handlers:types() } }`.
---@return string[] types sorted
function Handlers:types()
  checks.self(self, Handlers, "handlers", "types")
  return self._registry:types()
end

--- Compares the functions with the types to which webhooks subscribe.
---@private
---@param subscribed string[]
---@return string[] unhandled subscribed types without a function; none if `otherwise` is set
---@return string[] unsubscribed types and patterns with a function for which nothing is subscribed
function Handlers:_compare(subscribed)
  local unhandled = {}
  for _, name in ipairs(subscribed) do
    if not self._fallback and not self._registry:has(name) then unhandled[#unhandled + 1] = name end
  end
  return unhandled, self._registry:unmatched(subscribed)
end

--- Sets the function for events that no other handler matches: of types without a registration, or of types that are
--- newer than this library. Without one, such events are acknowledged and logged. It does not get derived events.
---@param fn apivideo.Handler
---@return apivideo.Handlers self
function Handlers:otherwise(fn)
  checks.self(self, Handlers, "handlers", "otherwise")
  check_function("handlers:otherwise", fn)
  self._fallback = fn
  return self
end

--- Adds a function that is called after each failure of a handler. All functions are called, in the order in which
--- they were added; the failure of one does not prevent the others from running.
---@param fn fun(err: any, event: apivideo.Event|nil, delivery: apivideo.Delivery, traceback?: string) `traceback` of an error that was raised; no event for signed bytes that cannot be parsed: they are in `delivery.raw`
---@return apivideo.Handlers self
function Handlers:on_error(fn)
  checks.self(self, Handlers, "handlers", "on_error")
  check_function("handlers:on_error", fn)
  table.insert(self._error_handlers, fn)
  return self
end

local function add_failure(errs, tracebacks, err, traceback)
  local place = #errs + 1
  errs[place], tracebacks[place] = err, traceback
end

--- Passes a failure to the functions of `on_error`. The receiver uses it for signed bytes that cannot be parsed.
---@private
---@param err any
---@param event apivideo.Event|nil
---@param delivery apivideo.Delivery|nil
---@param traceback? string
---@param errs any[] what those functions raise is appended
---@param tracebacks table<integer, string> of what they raise, by its index in `errs`
function Handlers:_report(err, event, delivery, traceback, errs, tracebacks)
  for i = 1, #self._error_handlers do -- not those that one of them adds
    local problem, problem_traceback = handler_call.report(self._error_handlers[i], err, event, delivery, traceback)
    if problem ~= nil then add_failure(errs, tracebacks, problem, problem_traceback) end
  end
end

-- Adds a failure to the lists, which the first failure creates, and calls `on_error`. Returns the lists.
local function fail(self, errs, tracebacks, event, delivery, err, traceback)
  errs, tracebacks = errs or {}, tracebacks or {}
  add_failure(errs, tracebacks, err, traceback)
  self:_report(err, event, delivery, traceback, errs, tracebacks)
  return errs, tracebacks
end

local function is_cause(self, event)
  return self._derivation ~= nil and self._derivation.causes[event.type] ~= nil
end

-- Handles the derived events of an event whose handlers have succeeded: adds them to a list, or dispatches them. The
-- results of dispatch. `cause` and `video` are those from before the handlers, which may have changed the event.
local function derive(self, count, event, delivery, collected, cause, video)
  local list, err = self._derivation:events_of(cause, self._client, video)
  if not list then return nil, fail(self, nil, nil, event, delivery, err) end
  if collected then
    for _, each in ipairs(list) do collected[#collected + 1] = each end
    return count
  end
  local errs, tracebacks = self._derived_dispatch:run(list, delivery)
  if errs then return nil, errs, tracebacks end
  return count
end

--- Runs all handlers that match an event. The failure of one does not prevent the others from running.
---@param event apivideo.Event
---@param delivery? apivideo.Delivery
---@return integer|nil count how many ran: 0 if none matches; nil if one failed
---@return any[]? errors of those that failed
---@return table<integer, string>? tracebacks of those errors that were raised, by their index in `errors`
function Handlers:dispatch(event, delivery)
  -- A hot path: without a call of a Lua function if the arguments are valid and no filter applies.
  local registered, errs, tracebacks = registries[self], nil, nil
  if not registered then checks.self(self, Handlers, "handlers", "dispatch") end
  if type(event) ~= "table" then checks.value("handlers:dispatch: event", event, "table", 2) end
  if delivery ~= nil and type(delivery) ~= "table" then
    checks.value("handlers:dispatch: delivery", delivery, "table", 2)
  end
  if waiting[event.videoId] then wakeups.notify(event.videoId) end -- before the handlers, which may take long
  local functions = registered.cache[event.type]
  if not functions then
    checks.value("handlers:dispatch: event.type", event.type, "string", 2)
    functions = registered:matching(event)
  end
  local count = #functions
  for i = 1, count do
    local err, traceback = run(functions[i], event, delivery)
    if err ~= nil then errs, tracebacks = fail(self, errs, tracebacks, event, delivery, err, traceback) end
  end
  if count == 0 and self._fallback and not derived.is(event.type) and not is_cause(self, event) then
    count = 1
    local err, traceback = run(self._fallback, event, delivery)
    if err ~= nil then errs, tracebacks = fail(self, errs, tracebacks, event, delivery, err, traceback) end
  end
  if errs then return nil, errs, tracebacks end
  return count
end

-- The method dispatch of handlers with a client or a derivation: a method of their own, so that others have no cost. With
-- a list as the third argument, derived events are added to it, and not dispatched.
function dispatch_and_derive(self, event, delivery, collected)
  if not registries[self] then checks.self(self, Handlers, "handlers", "dispatch") end
  checks.value("handlers:dispatch: event", event, "table", 2)
  checks.value("handlers:dispatch: event.type", event.type, "string", 2)
  checks.value("handlers:dispatch: delivery", delivery, "table?", 2)
  if self._client and delivery and not delivery.video and type(event.videoId) == "string" then
    delivery.video = delivered_video.new(self._client, event.videoId)
  end
  local cause = is_cause(self, event) and tables.merge(event)
  local video = delivery and delivery.video
  local count, errs, tracebacks = Handlers.dispatch(self, event, delivery)
  if not count then return nil, errs, tracebacks end
  if not cause then return count end
  return derive(self, math.max(count, 1), event, delivery, collected, cause, video)
end

local known = { events = "table?", strict = "boolean?", client = "table?" }

local function create(options)
  options = checks.options("handlers", options or {}, known, 4)
  if options.events and type(options.events.names) ~= "function" then
    error("handlers: option \"events\" must be a catalogue, from events:extend", 3)
  end
  if options.client and type(options.client.videos) ~= "table" then
    error("handlers: option \"client\" must come from apivideo.client", 3)
  end
  local events = options.events or catalogue
  local self = setmetatable({
    events = events,
    _strict = options.strict, _registry = registry.new(events), _error_handlers = {},
    _client = options.client, dispatch = options.client and dispatch_and_derive or nil,
  }, Handlers)
  registries[self] = self._registry
  return self
end

---@class apivideo.HandlersOptions
---@field events? apivideo.Catalogue default apivideo.events; the types, if the application extends the catalogue
---@field client? apivideo.Client reads the state of videos: for `delivery.video`, `on_ready("all", …)` and `on_recording`
---@field strict? boolean default false; true: registering a type that the catalogue does not have raises an error

--- Creates an empty set of handlers: `handlers.new(options)`, or `handlers(options)`.
---@class apivideo.handlers
---@field new fun(options?: apivideo.HandlersOptions): apivideo.Handlers
---@overload fun(options?: apivideo.HandlersOptions): apivideo.Handlers
local handlers = {}

return constructor(members.strict("apivideo.handlers", handlers, Handlers), create)
