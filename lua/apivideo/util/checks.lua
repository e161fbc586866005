--- Checks of arguments. A wrong argument is misuse, which raises an error at the place of the call. The message names
--- the option and the options that exist.

local redact = require "apivideo.util.redact"
local spelling = require "apivideo.util.spelling"

local checks = {}

-- The names of numbers in kinds and in messages.
local NUMBERS = { number = "a number", integer = "an integer", seconds = "a number of seconds",
  wholeseconds = "a whole number of seconds", bytes = "a whole number of bytes" }
local WHOLE = { integer = true, wholeseconds = true, bytes = true }

--- Whether a table is a list: without holes and without other keys.
---@param items table
---@param item_type? string of each item
---@return boolean
function checks.is_list(items, item_type)
  local count = 0
  for _ in pairs(items) do count = count + 1 end
  for i = 1, count do
    if items[i] == nil or item_type and type(items[i]) ~= item_type then return false end
  end
  return true
end

local SIMPLE = { string = true, number = true, boolean = true }

-- Kinds of tables, by their contents.
local CONTENTS = {
  strings = { text = "a list of strings", check = function(items) return checks.is_list(items, "string") end },
  values = {
    text = "a table of name -> string, number or boolean",
    check = function(values)
      for name, value in pairs(values) do
        if type(name) ~= "string" or not SIMPLE[type(value)] then return false end
      end
      return true
    end,
  },
}

-- The number of a bound. tonumber() would read a fraction by the locale, which may have a decimal comma.
local function bound_of(text)
  local whole, fraction = text:match "^(%d+)%.?(%d*)$"
  return whole and tonumber(whole) + (tonumber(fraction) or 0) / 10 ^ #fraction
end

-- One alternative of a kind: the name of a type, or of a number with its bounds, such as "integer>=0<=100".
local function parse_alternative(text)
  if text == "huge" then return { type = "number", low = math.huge, text = "math.huge" } end
  if CONTENTS[text] then return { type = "table", has_contents = CONTENTS[text].check, text = CONTENTS[text].text } end
  local name, operator, low, high = text:match "^(%a+)(>?=?)([%d.]*)<?=?([%d.]*)$"
  local alternative = {
    type = NUMBERS[name] and "number" or name, is_integer = WHOLE[name], is_open = operator == ">",
    low = bound_of(low), high = bound_of(high), text = NUMBERS[name] or "a " .. name,
  }
  if alternative.high then
    alternative.text = ("%s from %s to %s"):format(alternative.text, low, high)
  elseif alternative.low then
    alternative.text = ("%s %s %s"):format(alternative.text, alternative.is_open and "above" or "of at least", low)
  end
  return alternative
end

local parsed = {} -- kind -> what it means

local function parse(kind)
  if parsed[kind] then return parsed[kind] end
  local result, texts = { is_optional = kind:sub(-1) == "?" }, {}
  for text in kind:gsub("%?$", ""):gmatch "[^|]+" do
    result[#result + 1] = parse_alternative(text)
    texts[#texts + 1] = result[#result].text
  end
  result.text = table.concat(texts, " or ")
  parsed[kind] = result
  return result
end

local function is_in_range(value, alternative)
  if alternative.is_integer and value % 1 ~= 0 then return false end
  local low, high = alternative.low, alternative.high
  if low and not (value > low or value == low and not alternative.is_open) then return false end -- NaN, too
  return not high or value <= high
end

-- What a value is instead of the kind, for a message; nil when it is of the kind.
local function mismatch(value, kind)
  local shown = type(value)
  for _, alternative in ipairs(kind) do
    if type(value) == alternative.type then
      if alternative.type == "number" and not is_in_range(value, alternative) then
        shown = tostring(value)
      elseif alternative.has_contents and not alternative.has_contents(value) then
        shown = "another table"
      else
        return nil
      end
    end
  end
  return shown
end

--- Whether a value is of a kind, see `checks.options`.
---@param value any
---@param kind string
---@return boolean
---@return string expected the kind in words, for a message
function checks.matches(value, kind)
  local expected = parse(kind)
  return value == nil and expected.is_optional or mismatch(value, expected) == nil, expected.text
end

--- Raises an error unless a value is of a kind, see `checks.options`.
---@param name string the function and the argument, for the message
---@param value any
---@param kind string
---@param level integer at which it raises, as seen from the caller
function checks.value(name, value, kind, level)
  local expected = parse(kind)
  if value == nil and expected.is_optional then return end
  local got = mismatch(value, expected)
  if got then error(("%s must be %s, got %s"):format(name, expected.text, got), level + 1) end
end

-- Whether a value is a module of this library: its function was called with a colon.
local function is_module(value)
  if type(value) ~= "table" then return false end
  for name, module in pairs(package.loaded) do
    if module == value and (name == "apivideo" or name:find "^apivideo%.") then return true end
  end
  return false
end

--- Raises an error if the first argument of a function is a module of this library: the call has a colon.
---@param where string the function's name, for the message
---@param value any
---@param level integer at which it raises, as seen from the caller
function checks.dot(where, value, level)
  if is_module(value) then error(where .. ": call it with a dot, not with a colon", level + 1) end
end

local EXAMPLES = { string = '"…"', table = "{…}" }

-- What to write instead of a value that is not a table: the required options, if there are any.
local function example_of(known)
  local required = {}
  for name, kind in pairs(known) do
    local expected = parse(kind)
    if not expected.is_optional then
      required[#required + 1] = name .. " = " .. (EXAMPLES[expected[1].type] or "…")
    end
  end
  table.sort(required)
  return #required > 0 and "; write { " .. table.concat(required, ", ") .. " }" or ""
end

--- Checks a table of options. The kind of an option is the name of a type or of a number, with bounds if it has any:
--- "string", "integer>=1", "seconds>0", "seconds>=0<=86400", "wholeseconds", "bytes"; "strings" is a list of strings, "values" a table of names
--- and values, "huge" is math.huge; alternatives are separated by "|", and "?" at the end makes it optional.
---@param where string the function's name, for the message
---@param options any
---@param known table<string, string> name -> kind
---@param level? integer at which it raises, as seen from here; default 3, the caller's caller
---@return table options
function checks.options(where, options, known, level)
  level = level or 3
  if type(options) ~= "table" then
    error(where .. ": a table of options expected, got " .. type(options) .. example_of(known), level)
  end
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  for name in pairs(options) do
    if not known[name] then
      checks.dot(where, options, level)
      local near = spelling.nearest(tostring(name), names)
      error(("%s: unknown option \"%s\"; %s"):format(where, redact.text(tostring(name)),
        near and ("did you mean \"" .. near .. "\"?") or "known: " .. table.concat(names, ", ")), level)
    end
  end
  for _, name in ipairs(names) do
    local value, kind = options[name], parse(known[name])
    if value ~= nil then
      checks.value(('%s: option "%s"'):format(where, name), value, known[name], level)
    elseif not kind.is_optional then
      error(('%s: option "%s" is required (%s)'):format(where, name, kind.text), level)
    end
  end
  return options
end

--- Raises an error at the caller of a method unless `self` is an object of the class.
---@param self any
---@param class table
---@param object string what users call such an object
---@param name string the method's
function checks.self(self, class, object, name)
  if getmetatable(self) ~= class then
    error(("%s:%s: call it with a colon, %s:%s(…)"):format(object, name, object, name), 3)
  end
end

return checks
