--- Event types and fields that the catalogue does not have, and qualities that api.video does not document. They may be
--- mistyped, or newer than this library.

local conditions = require "apivideo.util.conditions"
local log = require "apivideo.runtime.log"
local redact = require "apivideo.util.redact"
local spelling = require "apivideo.util.spelling"

local MAX_NAMES = 256 -- an application may take names from its users, so the memory is bounded

local warned, count = {}, 0 -- names, and how many

local unknown = {}

-- The patterns that match some, but not all types: `video.*`, `video.encoding.*` …, sorted.
local function patterns_of(names)
  local patterns, seen = {}, {}
  for _, name in ipairs(names) do
    for position in name:gmatch "()%." do
      local pattern = name:sub(1, position) .. "*"
      if not seen[pattern] then patterns[#patterns + 1] = pattern end
      seen[pattern] = true
    end
  end
  table.sort(patterns)
  return patterns
end

--- The known type, or for a pattern the known pattern, that is most similar to a mistyped one.
---@param name string
---@param catalogue apivideo.Catalogue
---@return string?
function unknown.nearest(name, catalogue)
  local names = catalogue:names()
  return spelling.nearest(name, name:find("*", 1, true) and patterns_of(names) or names)
end

--- The types whose beginning a name is, up to a dot: a name like `video.encoding` is taken for a pattern. An empty list
--- for a name that may be a type that is newer than this library.
---@param name string
---@param catalogue apivideo.Catalogue
---@return string[]
function unknown.continuations(name, catalogue)
  local prefix, types = name:gsub("%.$", "") .. ".", {}
  for _, candidate in ipairs(catalogue.types[name] and {} or catalogue:names()) do
    if candidate:sub(1, #prefix) == prefix then types[#types + 1] = candidate end
  end
  return types
end

--- Says that a type or pattern is unknown, with the most similar one.
---@param name string
---@param catalogue apivideo.Catalogue
---@return string
function unknown.describe(name, catalogue)
  local names = catalogue:names()
  local near = unknown.nearest(name, catalogue)
  if name:find("*", 1, true) and not name:find "^[^*]*%.%*$" then
    return ("\"%s\" is not a known event type (a pattern is \"*\", or ends in \".*\", such as \"video.*\")")
      :format(redact.text(name))
  end
  return ("\"%s\" is not a known event type (%s)"):format(redact.text(name),
    near and ("did you mean \"" .. near .. "\"?") or "known: " .. table.concat(names, ", "))
end

-- The fields of event types, sorted, and their set.
local function fields_of(schemas)
  local seen, fields = { type = true, emittedAt = true }, {}
  for _, schema in ipairs(schemas) do
    for _, field in ipairs(schema.required) do seen[field] = true end
    for field in pairs(schema.sample or {}) do seen[field] = true end
  end
  for field in pairs(seen) do fields[#fields + 1] = field end
  table.sort(fields)
  return fields, seen
end

--- What an unknown field may have been meant to be, for a message; nil for a field of one of the types.
---@param field string
---@param schemas apivideo.EventType[]
---@return string?
function unknown.field(field, schemas)
  local fields, is_field = fields_of(schemas)
  if is_field[field] then return nil end
  local near = spelling.nearest(field, fields)
  return near and ("did you mean \"" .. near .. "\"?") or "known: " .. table.concat(fields, ", ") .. "."
end

local function warn_once(name, text)
  if warned[name] then return end
  if count >= MAX_NAMES then warned, count = {}, 0 end
  warned[name], count = true, count + 1
  log.warn(text)
end

--- Logs that a type or pattern is unknown, once for each name.
---@param where string the function's name
---@param name string
---@param catalogue apivideo.Catalogue
---@param consequence string
function unknown.warn(where, name, catalogue, consequence)
  warn_once(name, ("%s: %s; %s"):format(where, unknown.describe(name, catalogue), consequence))
end

--- Logs that a condition is an unknown quality, once for each quality.
---@param where string the function's name
---@param condition apivideo.Condition
---@param consequence string
function unknown.warn_condition(where, condition, consequence)
  if conditions.is_documented(condition) then return end
  warn_once("quality " .. condition, ("%s: \"%s\" is not a known quality (known: %s); %s"):format(where,
    redact.text(condition), table.concat(conditions.QUALITIES, ", "), consequence))
end

--- Logs that an event has a field that its type does not have, once for each field.
---@param where string the function's name
---@param field string
---@param name string the type
---@param schema apivideo.EventType
function unknown.warn_field(where, field, name, schema)
  local hint = unknown.field(field, { schema })
  if not hint then return end
  warn_once(("field %s %s"):format(name, field),
    ("%s: %s has no field \"%s\"; it is sent anyway; %s"):format(where, name, redact.text(field), hint))
end

return unknown
