--- Definitions of event types by the application: what `events:extend` checks.

local checks = require "apivideo.util.checks"
local derived = require "apivideo.events.derived"

local definition = {}

local known = {
  required = "table", identity = "table",
  emitted_at = "boolean?", opposite = "string?", description = "string?", sample = "table?",
}

-- A list of field names as a set; nil for anything else.
local function set_of(list)
  local set, count = {}, 0
  for key, field in pairs(list) do
    if type(key) ~= "number" or type(field) ~= "string" or field == "" then return nil end
    set[field] = true
    count = count + 1
  end
  return count == #list and set or nil
end

-- What is wrong with the fields of a definition, or nil.
local function field_problem(schema)
  local required, identity = set_of(schema.required), set_of(schema.identity)
  if not required then return "required must be a list of field names" end
  if not identity then return "identity must be a list of field names" end
  for _, field in ipairs(schema.identity) do
    if field == "type" or field == "emittedAt" then
      return ("identity must not list %s: the type always belongs to it, emittedAt by emitted_at = true")
        :format(field)
    end
    if not required[field] then
      return ("identity lists \"%s\", which is not required; add it to required"):format(field)
    end
  end
  if schema.emitted_at and not required.emittedAt then
    return "emitted_at is true, but required does not list emittedAt"
  end
  if schema.opposite and not schema.emitted_at then return "opposite needs emitted_at = true" end
  return nil
end

-- What is wrong with the opposite of a definition, or nil. The keys of both types have the same fields.
local function opposite_problem(schema, types)
  local name = schema.opposite
  if not name then return nil end
  local other = types[name]
  if not other then return ("opposite is \"%s\", which is not in the catalogue"):format(name) end
  if not other.emitted_at or table.concat(other.identity, "\0") ~= table.concat(schema.identity, "\0") then
    return ("opposite \"%s\" must have the same identity, and emitted_at = true"):format(name)
  end
  return nil
end

local function raise(name, problem, level)
  error(("events:extend: type \"%s\": %s"):format(name, problem), level + 1)
end

--- Checks definitions one by one. Raises at level 3.
---@param added any
function definition.check(added)
  if type(added) ~= "table" then
    error("events:extend: types (table) expected, got " .. type(added), 3)
  end
  for name, schema in pairs(added) do
    if type(name) ~= "string" or name == "" then
      error("events:extend: a type's name must be a non-empty string", 3)
    elseif derived.is(name) then
      raise(name, "names that begin with \"apivideo.\" are those of derived events; use another name", 3)
    end
    checks.options(("events:extend: type \"%s\""):format(name), schema, known, 4)
    local problem = field_problem(schema)
    if problem then raise(name, problem, 3) end
  end
end

--- Checks how definitions fit into the catalogue that has them. Raises at level 3.
---@param added table<string, apivideo.EventType>
---@param types table<string, apivideo.EventType> all types of that catalogue
function definition.check_opposites(added, types)
  for name in pairs(added) do
    local problem = opposite_problem(types[name], types)
    if problem then raise(name, problem, 3) end
  end
end

return definition
