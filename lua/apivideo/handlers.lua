--- Functions registered for events, by type.

local catalogue = require "apivideo.events"
local options = require "apivideo.options"
local protected = require "apivideo.pcall"

local MAX_KEPT = 256 -- types whose matching handlers are kept ready; the sender names the types

---@alias apivideo.Handler fun(event: apivideo.Event, delivery: apivideo.Delivery): any, any
---A handler fails by raising an error, or by returning nil or false and an error.

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

--- Sets a function that is told of each failure of a handler.
---@param fn fun(err: any, event: apivideo.Event|nil, delivery: apivideo.Delivery) without an event for signed bytes that cannot be parsed: they are in `delivery.raw`
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

-- Runs one handler. nil, or its error.
local function failure_of(fn, event, delivery)
  local ok, result, err = protected.call(fn, event, delivery)
  if not ok then return result == nil and "a handler raised nil" or result end
  if not result and err ~= nil then return err end
  return nil
end

--- Passes a failure to the function of `on_error`. The receiver does so with signed bytes that cannot be parsed.
---@private
---@param err any
---@param event apivideo.Event|nil
---@param delivery apivideo.Delivery|nil
---@return any problem what that function raised, or nil
function Handlers:_report(err, event, delivery)
  if not self.error_handler then return nil end
  local ok, problem = protected.call(self.error_handler, err, event, delivery)
  if ok then return nil end
  return problem == nil and "on_error raised nil" or problem
end

-- Tells of a failure. The list of them, which starts with the first.
local function fail(self, errs, err, event, delivery)
  errs = errs or {}
  errs[#errs + 1] = err
  errs[#errs + 1] = self:_report(err, event, delivery)
  return errs
end

--- Runs all handlers that match an event. One that fails does not keep the others from running.
---@param event apivideo.Event
---@param delivery? apivideo.Delivery
---@return integer|nil count how many ran: 0 when none matches; nil when one failed
---@return any[]? errors of those that failed
function Handlers:dispatch(event, delivery)
  options.check_self(self, Handlers, "handlers", "dispatch")
  local functions, errs = matching(self, event.type), nil
  local count = #functions
  for i = 1, count do
    local err = failure_of(functions[i], event, delivery)
    if err ~= nil then errs = fail(self, errs, err, event, delivery) end
  end
  if count == 0 and self.fallback then
    count = 1
    local err = failure_of(self.fallback, event, delivery)
    if err ~= nil then errs = fail(self, errs, err, event, delivery) end
  end
  if errs then return nil, errs end
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
