--- Tables of named options: an unknown or ill-typed one is misuse, and the message says which names
--- there are.

local redact = require "apivideo.util.redact"

local options = {}

-- How many single-letter edits lead from one name to the other.
local function distance(a, b)
  local previous = {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + cost)
    end
    previous = row
  end
  return previous[#b]
end

--- The known name that is nearest to a mistyped one, if one is near.
---@param name string
---@param known string[]
---@return string?
function options.nearest(name, known)
  local best, least = nil, math.max(2, math.floor(#name / 3)) + 1
  for _, candidate in ipairs(known) do
    local edits = distance(name:lower(), candidate:lower())
    if edits < least then best, least = candidate, edits end
  end
  return best
end

local EXAMPLES = { string = '"…"', table = "{…}" }

-- What to write instead of options that are no table: those that are required, or nothing where none is.
local function example_of(known)
  local required = {}
  for name, expected in pairs(known) do
    if expected:sub(-1) ~= "?" then
      required[#required + 1] = name .. " = " .. (EXAMPLES[expected] or "…")
    end
  end
  table.sort(required)
  return #required > 0 and "; write { " .. table.concat(required, ", ") .. " }" or ""
end

--- Checks a table of options against a table of name -> type (several: "string|table"; "?" at the
--- end where it may be left out). Raises at the level of the caller's caller.
---@param where string the function's name, for the message
---@param given any
---@param known table<string, string>
---@param level? integer at which it raises, as seen from here; 3 without it
---@return table given
function options.check(where, given, known, level)
  level = level or 3
  if type(given) ~= "table" then
    error(where .. ": a table of options expected, got " .. type(given) .. example_of(known), level)
  end
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  for name in pairs(given) do
    if not known[name] then
      local near = options.nearest(tostring(name), names)
      error(("%s: unknown option \"%s\"; %s"):format(where, redact.text(tostring(name)),
        near and ("did you mean \"" .. near .. "\"?") or "known: " .. table.concat(names, ", ")), level)
    end
  end
  for _, name in ipairs(names) do
    local expected, value = known[name], given[name]
    local optional = expected:sub(-1) == "?"
    local types = "|" .. expected:gsub("%?$", "") .. "|"
    if value == nil and not optional then
      error(("%s: option \"%s\" is required (%s)"):format(where, name, expected), level)
    elseif value ~= nil and not types:find("|" .. type(value) .. "|", 1, true) then
      error(("%s: option \"%s\" must be a %s, got %s"):format(where, name,
        (expected:gsub("%?$", ""):gsub("|", " or a ")), type(value)), level)
    end
  end
  return given
end

--- Raises, at the caller of a method, where that was called with a dot.
---@param self any what the method got
---@param class table
---@param object string what users call such an object
---@param name string the method's
function options.check_self(self, class, object, name)
  if getmetatable(self) ~= class then
    error(("%s:%s: call it with a colon, %s:%s(…)"):format(object, name, object, name), 3)
  end
end

--- Whether a table is a list, without holes and other keys.
---@param items table
---@param item_type? string of each item
---@return boolean
function options.is_list(items, item_type)
  local count = 0
  for _ in pairs(items) do count = count + 1 end
  for i = 1, count do
    if items[i] == nil or item_type and type(items[i]) ~= item_type then return false end
  end
  return true
end

return options
