--- The catalogue of event types: the one place that lists them. The parser, the deduplication key,
--- the emulator, the command and the documentation read it.

local core = require "apivideo.core"
local errors = require "apivideo.error"
local options = require "apivideo.util.options"
local types = require "apivideo.events.types"

local compile = core.event.compile
local sign = core.signature.sign

---@class apivideo.Catalogue
---@field types table<string, apivideo.EventType> read only
local Catalogue = {}
Catalogue.__index = Catalogue

local function new(all)
  return setmetatable({ types = all }, Catalogue)
end

local function bad(kind, message, field, offset)
  if field then message = field .. ": " .. message end
  if offset then message = ("%s (at byte %d)"):format(message, offset) end
  return nil, errors.new(kind, message, { field = field, offset = offset, origin = "event" })
end

-- catalogue -> what reads its events, made when first needed
local parsers = setmetatable({}, {
  __mode = "k",
  __index = function(list, catalogue)
    list[catalogue] = compile(catalogue.types)
    return list[catalogue]
  end,
})

--- Reads an event from the bytes that arrived. Keeps every field, the unknown ones, too; leaves out
--- those that are null. An event of an unknown type is an event.
---@param raw string
---@return apivideo.Event? event
---@return apivideo.Error? err `bad_json` `bad_event` `too_large`, with `offset` (from 0) and `field` where they apply
function Catalogue:parse(raw)
  if type(raw) ~= "string" then
    error(("events:parse: raw body (string) expected, got %s: pass the bytes as they arrived, "
      .. "not a decoded table"):format(type(raw)), 2)
  end
  local event, kind, message, field, offset = parsers[self](raw)
  if event then return event end
  return bad(kind, message, field, offset)
end

-- How lengths are written: PUC Lua takes longer to write one than for all else about a key.
local lengths = setmetatable({}, { __index = function(_, length) return length .. ":" end })
for length = 0, 100 do lengths[length] = length .. ":" end

-- A key and one value more, its length before it: "ab" beside "c" is not "a" beside "bc".
local function extended(key, value)
  return key .. lengths[#value] .. value
end

local function raise_no_string(event, field, level)
  error(("events:key: event.%s must be a string, got %s"):format(field, type(event[field])), level or 3)
end

-- A key and the values of an event's identifying fields after it.
local function identified(key, known, event)
  for i = 1, #known.identity do
    local value = event[known.identity[i]]
    if type(value) ~= "string" then raise_no_string(event, known.identity[i], 4) end
    key = extended(key, value)
  end
  return key
end

--- The deduplication key of an event: two deliveries with the same key are the same event.
---@param event apivideo.Event
---@param raw? string the event's bytes: needed where the type is not in the catalogue, since then they are the identity
---@return string key
---@return string? occurrence where `emittedAt` belongs to the identity, the key without it: an event with the same one a few seconds later is the same event, should the sender stamp its retries anew
---@return string? opposite where the type has an `opposite`, that key of the opposite event: once it came in between, the next event is a new occurrence
function Catalogue:key(event, raw)
  if type(event) ~= "table" then
    error("events:key: event must be a table, got " .. type(event), 2)
  end
  local name = event.type
  if type(name) ~= "string" then raise_no_string(event, "type") end
  local known, key = self.types[name], extended("", name)
  if not known then
    if type(raw) ~= "string" then
      error(("events:key: raw (string) expected, got %s: \"%s\" is not in the catalogue"):format(type(raw), name), 2)
    end
    return extended(key, sign(raw, name))
  end
  key = identified(key, known, event)
  if not known.emitted_at then return key end
  if type(event.emittedAt) ~= "string" then raise_no_string(event, "emittedAt") end
  local dated = extended(key, event.emittedAt)
  if not known.opposite then return dated, key end
  return dated, key, identified(extended("", known.opposite), known, event)
end

--- The types' names, sorted.
---@return string[]
function Catalogue:names()
  local names = {}
  for name in pairs(self.types) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[copy(key)] = copy(item) end
  return result
end

--- A type's sample: a copy, to be changed freely.
---@param name string
---@return apivideo.Event? event nil for a type that is not in the catalogue, or has none
function Catalogue:sample(name)
  local known = self.types[name]
  return known and copy(known.sample)
end

local definition_options = {
  required = "table", identity = "table",
  emitted_at = "boolean?", opposite = "string?", description = "string?", sample = "table?",
}

-- A list of field names as a set; nil if it is none.
local function set_of(list)
  local set, count = {}, 0
  for key, field in pairs(list) do
    if type(key) ~= "number" or type(field) ~= "string" or field == "" then return nil end
    set[field] = true
    count = count + 1
  end
  return count == #list and set or nil
end

-- What is wrong with a definition's fields, or nil.
local function field_problem(definition)
  local required, identity = set_of(definition.required), set_of(definition.identity)
  if not required then return "required must be a list of field names" end
  if not identity then return "identity must be a list of field names" end
  for _, field in ipairs(definition.identity) do
    if field == "type" or field == "emittedAt" then
      return ("identity must not list %s: the type always belongs to it, emittedAt by emitted_at = true")
        :format(field)
    end
    if not required[field] then
      return ("identity lists \"%s\", which is not required"):format(field)
    end
  end
  if definition.emitted_at and not required.emittedAt then
    return "emitted_at is true, but required does not list emittedAt"
  end
  if definition.opposite and not definition.emitted_at then return "opposite needs emitted_at = true" end
end

-- What is wrong with a definition's opposite, or nil. Its key is made of the same fields.
local function opposite_problem(definition, all)
  local opposite = definition.opposite
  if not opposite then return nil end
  local other = all[opposite]
  if not other then return ("opposite is \"%s\", which is not in the catalogue"):format(opposite) end
  if not other.emitted_at or table.concat(other.identity, "\0") ~= table.concat(definition.identity, "\0") then
    return ("opposite \"%s\" must have the same identity, and emitted_at = true"):format(opposite)
  end
  return nil
end

local events = new(types)

--- Makes a catalogue that has the application's types beside the known ones. A type of a known name
--- takes its place: an application need not wait for a new version of the library.
---@param added table<string, apivideo.EventType>
---@return apivideo.Catalogue
function events.extend(added)
  if type(added) ~= "table" then
    error("events.extend: types (table) expected, got " .. type(added), 2)
  elseif getmetatable(added) == Catalogue then
    error("events.extend: types (table) expected, got a catalogue: it is called with a dot", 2)
  end
  local all = copy(types)
  for name, definition in pairs(added) do
    if type(name) ~= "string" or name == "" then
      error("events.extend: a type's name must be a non-empty string", 2)
    end
    local where = ("events.extend: type \"%s\""):format(name)
    options.check(where, definition, definition_options)
    local problem = field_problem(definition)
    if problem then error(where .. ": " .. problem, 2) end
    all[name] = copy(definition)
  end
  for name in pairs(added) do
    local problem = opposite_problem(all[name], all)
    if problem then error(("events.extend: type \"%s\": %s"):format(name, problem), 2) end
  end
  local ok, problem = pcall(compile, all)
  if not ok then error("events.extend: " .. tostring(problem), 2) end
  return new(all)
end

return events
