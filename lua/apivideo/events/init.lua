--- The catalogue of event types: the one place that lists them. The parser, the deduplication key, the emulator, the
--- command and the documentation read it. It also has the types of derived events, which api.video does not send.

local checks = require "apivideo.util.checks"
local definition = require "apivideo.events.definition"
local derived = require "apivideo.events.derived"
local errors = require "apivideo.error"
local key = require "apivideo.events.key"
local redact = require "apivideo.util.redact"
local tables = require "apivideo.util.tables"
local builtin = require "apivideo.events.types"

local compile = require("apivideo.core").event.compile

---@class apivideo.Catalogue
---@field types table<string, apivideo.EventType> read only
local Catalogue = {}
Catalogue.__index = Catalogue
Catalogue.__name = "apivideo.Catalogue"

function Catalogue:__tostring()
  return ("apivideo.events (%d types)"):format(#self:names())
end

local function new(all)
  return setmetatable({ types = all }, Catalogue)
end

local function invalid(kind, message, field, offset)
  if field then message = field .. ": " .. message end
  if offset then message = ("%s (at byte %d)"):format(message, offset) end
  return nil, errors.new(kind, message, { field = field, offset = offset, origin = "event" })
end

local parsers = setmetatable({}, { __mode = "k" }) -- catalogue -> its compiled parser, created at the first use

local function create_parser(catalogue)
  parsers[catalogue] = compile(catalogue.types)
  return parsers[catalogue]
end

--- Parses an event from the bytes that arrived. Keeps every field, also unknown ones; leaves out those that are null.
--- An event of an unknown type is valid; one of a derived type is not, because api.video does not send it.
---@param raw string
---@return apivideo.Event? event
---@return apivideo.Error? err `bad_json` `bad_event` `too_large`, with `offset` (from 0) and `field` where they apply
function Catalogue:parse(raw)
  local parse = parsers[self]
  if not parse then
    checks.self(self, Catalogue, "events", "parse")
    parse = create_parser(self)
  end
  if type(raw) ~= "string" then
    error(("events:parse: raw body (string) expected, got %s: pass the bytes as they arrived, "
      .. "not a decoded table"):format(type(raw)), 2)
  end
  local event, kind, message, field, offset = parse(raw)
  if not event then return invalid(kind, message, field, offset) end
  local schema = self.types[event.type]
  if schema and not schema.derived or not derived.is(event.type) then return event end
  return invalid("bad_event", derived.refusal(redact.text(event.type)), "type")
end

--- Parses the bytes of an entry in a store. Only those that api.video did not deliver can be a derived event.
---@private
---@param entry { raw: string, origin: apivideo.Origin }
---@return apivideo.Event? event
---@return apivideo.Error? err
function Catalogue:_parse_entry(entry)
  if (entry.origin or "webhook") == "webhook" then return self:parse(entry.raw) end
  local parse = parsers[self] or create_parser(self)
  local event, kind, message, field, offset = parse(entry.raw)
  if event then return event end
  return invalid(kind, message, field, offset)
end

--- The deduplication key of an event: two deliveries with the same key are the same event.
---@param event apivideo.Event
---@param raw? string the event's bytes: required where the type is not in the catalogue, since they are the identity then
---@return string key
---@return string? occurrence where `emittedAt` belongs to the identity: the key without it. An event with the same one a few seconds later is the same event, in case the sender stamps each attempt with a new time
---@return string? opposite where the type has an `opposite`: the `occurrence` of the opposite event. After that one, the next event is a new occurrence
function Catalogue:key(event, raw)
  checks.self(self, Catalogue, "events", "key")
  if raw ~= nil and type(raw) ~= "string" then checks.value("events:key: raw", raw, "string", 2) end
  local text, occurrence, opposite = key.of(self.types, event, raw)
  return text, occurrence, opposite
end

--- The names of the types that api.video sends, sorted: not those of derived events.
---@return string[]
function Catalogue:names()
  checks.self(self, Catalogue, "events", "names")
  local names = {}
  for name, schema in pairs(self.types) do
    if not schema.derived then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- A sample of a type: a copy, which the caller may change.
---@param name string
---@return apivideo.Event? event nil for a type that is not in the catalogue, or has no sample
function Catalogue:sample(name)
  checks.self(self, Catalogue, "events", "sample")
  checks.value("events:sample: name", name, "string", 2)
  local schema = self.types[name]
  return schema and tables.copy(schema.sample)
end

--- Creates a catalogue with the application's types beside those of this one. A definition replaces the type of the
--- same name, so that an application can support a changed type before this library does.
---@param types table<string, apivideo.EventType>
---@return apivideo.Catalogue
function Catalogue:extend(types)
  checks.self(self, Catalogue, "events", "extend")
  definition.check(types)
  local all = tables.copy(self.types)
  for name, schema in pairs(types) do all[name] = tables.copy(schema) end
  definition.check_opposites(types, all)
  local ok, problem = pcall(compile, all)
  if not ok then error("events:extend: " .. tostring(problem), 2) end
  return new(all)
end

return new(builtin)
