--- Functions registered for events, by type.

local catalogue = require "apivideo.events"
local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local options = require "apivideo.util.options"
local permanent = require "apivideo.events.permanent"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local raised, xpcall = failure.raised, protected.xpcall

local MAX_KEPT = 256 -- types whose matching handlers are kept ready; the sender names the types

---@alias apivideo.Handler fun(event: apivideo.Event, delivery: apivideo.Delivery): any, any
---A handler fails by raising an error, by returning `false`, or by returning `nil` and an error.

---@class apivideo.Handlers
---@field events apivideo.Catalogue
local Handlers = {}
Handlers.__index = Handlers

local function check_function(where, fn)
  if type(fn) ~= "function" then
    error(("%s: a function expected, got %s"):format(where, type(fn)), 3)
  end
end

-- The beginning that a pattern stands for ("video." of "video.*", "" of "*"), or nil for a type.
local function prefix_of(name)
  return name:match("^(.*%.)%*$") or (name == "*" and "") or nil
end

-- Raises for a type or pattern that no event of the catalogue has: a typing mistake here would be
-- an event that nobody handles.
local function check_name(self, name)
  if type(name) ~= "string" then
    error("handlers:on: an event type must be a string, got " .. type(name), 3)
  end
  local prefix, names = prefix_of(name), self.events:names()
  for _, known in ipairs(names) do
    if known == name or prefix and known:sub(1, #prefix) == prefix then return end
  end
  local near = not prefix and options.nearest(name, names)
  error(("handlers:on: no event type is \"%s\"; %s. A type newer than this library: add it with "
    .. "events.extend, or handle it with handlers:otherwise"):format(name,
    near and ("did you mean \"" .. near .. "\"?") or "known: " .. table.concat(names, ", ")), 3)
end

-- Where the functions of a type or pattern are, and under which key.
local function place_of(self, name)
  local prefix = prefix_of(name)
  if prefix then return self.by_prefix, prefix end
  return self.by_type, name
end

local function add(self, name, fn)
  local place, key = place_of(self, name)
  place[key] = place[key] or {}
  self.last = self.last + 1
  table.insert(place[key], { order = self.last, fn = fn })
end

-- Takes a function out of those of a type or pattern. How many there were.
local function remove(self, name, fn)
  local place, key = place_of(self, name)
  local remaining, count = {}, 0
  for _, entry in ipairs(place[key] or {}) do
    if entry.fn == fn then
      count = count + 1
    else
      remaining[#remaining + 1] = entry
    end
  end
  place[key] = remaining[1] and remaining
  return count
end

--- Registers a function for a type, a list of types, or a pattern: `video.*` is every type that
--- begins so, `*` is all. All that match an event run, in the order of their registration.
---@param types string|string[]
---@param fn apivideo.Handler
---@return apivideo.Handlers self
function Handlers:on(types, fn)
  options.check_self(self, Handlers, "handlers", "on")
  check_function("handlers:on", fn)
  local list = type(types) == "table" and types or { types }
  if #list == 0 then error("handlers:on: an event type is missing", 2) end
  for _, name in ipairs(list) do check_name(self, name) end
  for _, name in ipairs(list) do add(self, name, fn) end
  self.matching, self.kept = {}, 0
  return self
end

--- Takes registrations of a function back.
---@param types string|string[] as they were registered
---@param fn apivideo.Handler
---@return integer count how many there were
function Handlers:off(types, fn)
  options.check_self(self, Handlers, "handlers", "off")
  local count = 0
  for _, name in ipairs(type(types) == "table" and types or { types }) do
    if type(name) == "string" then count = count + remove(self, name, fn) end
  end
  self.matching, self.kept = {}, 0
  return count
end

--- Sets the function for events that no other handler matches: of types that nobody registered, or
--- that are newer than this library. Without one, such events are acknowledged and logged.
---@param fn apivideo.Handler
---@return apivideo.Handlers self
function Handlers:otherwise(fn)
  options.check_self(self, Handlers, "handlers", "otherwise")
  check_function("handlers:otherwise", fn)
  self.fallback = fn
  return self
end

--- Sets a function that is called after each failure of a handler.
---@param fn fun(err: any, event: apivideo.Event|nil, delivery: apivideo.Delivery, traceback?: string) `traceback` of an error that was raised; no event for signed bytes that cannot be parsed: they are in `delivery.raw`
---@return apivideo.Handlers self
function Handlers:on_error(fn)
  options.check_self(self, Handlers, "handlers", "on_error")
  check_function("handlers:on_error", fn)
  self.error_handler = fn
  return self
end

local function append(entries, more)
  for _, entry in ipairs(more or {}) do entries[#entries + 1] = entry end
end

local function earlier(a, b)
  return a.order < b.order
end

-- The functions that match a type. They are kept, so that a dispatch does not look at the others; nor
-- does the first of a type: there are no more prefixes than the catalogue's types begin with.
local function matching(self, name)
  local functions = self.matching[name]
  if functions then return functions end
  local entries = {}
  append(entries, self.by_type[name])
  for prefix, more in pairs(self.by_prefix) do
    if name:sub(1, #prefix) == prefix then append(entries, more) end
  end
  table.sort(entries, earlier)
  functions = {}
  for i, entry in ipairs(entries) do functions[i] = entry.fn end
  if self.kept >= MAX_KEPT then self.matching, self.kept = {}, 0 end
  self.matching[name] = functions
  self.kept = self.kept + 1
  return functions
end

-- Logs a permanent failure that a handler made but did not return: the event is not dead-lettered then.
local function check_permanent(made, err, event)
  local is_dropped, cause = permanent.made_since(made)
  if not is_dropped or permanent.is(err) then return end
  log.warn(("a handler of %s called apivideo.permanent(%s) but did not return its results, so it has no effect; write "
    .. "`return apivideo.permanent(…)`"):format(tostring(event.type), failure.message(cause)))
end

-- The error of a handler and its traceback, by what `xpcall` returned; nil when the handler succeeded.
local function error_of(ok, result, err)
  if not ok then
    local problem, traceback = failure.parts(result)
    return problem == nil and "a handler raised nil" or problem, traceback
  end
  if permanent.is(result) then return result end
  if result == false and err == nil then return "a handler returned false" end
  if not result then return err end
  return nil
end

-- Runs one handler. nil, or its error and traceback.
local function failure_of(fn, event, delivery)
  local made = permanent.count
  local ok, result, err = xpcall(fn, raised, event, delivery)
  if ok and result == nil and err == nil and made == permanent.count then return nil end
  local problem, traceback = error_of(ok, result, err)
  if made ~= permanent.count then check_permanent(made, problem, event) end
  return problem, traceback
end

runtime.forbid_exit(failure_of, "a handler")

--- Passes a failure to the function of `on_error`. The receiver does so with signed bytes that cannot be parsed.
---@private
---@param err any
---@param event apivideo.Event|nil
---@param delivery apivideo.Delivery|nil
---@param traceback? string
---@return any problem what that function raised, or nil
---@return string? traceback of the problem
function Handlers:_report(err, event, delivery, traceback)
  if not self.error_handler then return nil end
  local ok, result = xpcall(self.error_handler, raised, err, event, delivery, traceback)
  if ok then return nil end
  local problem, where = failure.parts(result)
  return problem == nil and "on_error raised nil" or problem, where
end

runtime.forbid_exit(Handlers._report, "the function of handlers:on_error")

-- Adds a failure to the lists, which begin with the first.
local function add_failure(errs, tracebacks, err, traceback)
  local place = #errs + 1
  errs[place], tracebacks[place] = err, traceback
end

-- Adds a failure to the lists and calls `on_error`; the lists.
local function fail(self, errs, tracebacks, event, delivery, err, traceback)
  errs, tracebacks = errs or {}, tracebacks or {}
  add_failure(errs, tracebacks, err, traceback)
  local problem, where = self:_report(err, event, delivery, traceback)
  if problem ~= nil then add_failure(errs, tracebacks, problem, where) end
  return errs, tracebacks
end

--- Runs all handlers that match an event. One that fails does not keep the others from running.
---@param event apivideo.Event
---@param delivery? apivideo.Delivery
---@return integer|nil count how many ran: 0 when none matches; nil when one failed
---@return any[]? errors of those that failed
---@return table<integer, string>? tracebacks of those errors that were raised, by their place in `errors`
function Handlers:dispatch(event, delivery)
  options.check_self(self, Handlers, "handlers", "dispatch")
  local functions, errs, tracebacks = matching(self, event.type), nil, nil
  local count = #functions
  for i = 1, count do
    local err, traceback = failure_of(functions[i], event, delivery)
    if err ~= nil then errs, tracebacks = fail(self, errs, tracebacks, event, delivery, err, traceback) end
  end
  if count == 0 and self.fallback then
    count = 1
    local err, traceback = failure_of(self.fallback, event, delivery)
    if err ~= nil then errs, tracebacks = fail(self, errs, tracebacks, event, delivery, err, traceback) end
  end
  if errs then return nil, errs, tracebacks end
  return count
end

--- Makes an empty set of handlers.
---@param given? { events?: apivideo.Catalogue } the catalogue of types, when the application extends it
---@return apivideo.Handlers
local function new(given)
  given = options.check("handlers", given or {}, { events = "table?" })
  if given.events and type(given.events.names) ~= "function" then
    error("handlers: option \"events\" must be a catalogue, from events.extend", 2)
  end
  return setmetatable({
    events = given.events or catalogue,
    by_type = {}, by_prefix = {}, -- lists of { order, fn }
    last = 0,                     -- order of the last registered
    matching = {}, kept = 0,      -- type -> functions, made when first asked for
  }, Handlers)
end

return new
