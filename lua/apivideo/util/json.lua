--- JSON of the management API: lua-cjson, in a private instance, so that its settings do not affect the application's.
--- It represents each number as a double, writes 14 digits of it, and does not distinguish an empty list from an empty
--- object; such values pass through it as marked strings.

local new_cjson = require("cjson.safe").new
local core = require "apivideo.core"
local random = require "apivideo.util.random"

local cjson, known_locale

-- lua-cjson reads the locale's decimal point when an instance is created, and misreads fractions after the process has
-- changed its locale: then a new instance is necessary.
local function codec()
  local locale = os.setlocale(nil, "numeric")
  if locale ~= known_locale then
    cjson, known_locale = new_cjson(), locale
    cjson.decode_invalid_numbers(false)
    cjson.decode_max_depth(100)
    cjson.encode_max_depth(100)
    cjson.encode_invalid_numbers(false)
  end
  return cjson
end

local math_type, to_integer = math.type, math.tointeger

local json = {}

--- The value of `null`, which is not nil, so that it differs from a missing member.
json.null = codec().null

local list = core.event.list -- the metatable of lists, also in parsed events

--- Marks a table as a list, so that it is written as `[]` when it is empty. Decoded lists are marked.
---@param items table
---@return table items the same table
function json.array(items)
  return setmetatable(items, list)
end

local MARK_BYTES = 16 -- of the random prefix of marked strings: a peer cannot guess it

-- The whole number of some digits, if this Lua can represent it; otherwise the digits.
local function whole_number(digits)
  local number = tonumber(digits)
  local is_exact = math_type and math_type(number) == "integer"
    or not math_type and math.abs(number) <= 2 ^ 53 and ("%.0f"):format(number) == digits
  return is_exact and number or digits
end

-- The position of the quote that ends the string which begins at `quote`, or nil.
local function end_of_string(text, quote)
  local position = quote + 1
  while true do
    local at = text:find('["\\]', position)
    if not at or text:byte(at) == 34 then return at end
    position = at + 2
  end
end

local EMPTY_LIST = "%[[ \t\r\n]*%]"

-- The text with its long whole numbers as marked strings, and the mark in each of its empty lists.
local function marked_text(text, mark)
  local parts, position = {}, 1
  local function marked(number)
    return #number > 15 and number:find("^%-?[1-9][0-9]+$") and '"' .. mark .. number .. '"' or nil
  end
  while true do
    local quote = text:find('"', position, true)
    local outside = text:sub(position, quote and quote - 1)
    parts[#parts + 1] = outside:gsub("[0-9%.eE+-]+", marked):gsub(EMPTY_LIST, '["' .. mark .. '"]')
    local stop = quote and end_of_string(text, quote)
    if not stop then return table.concat(parts) .. text:sub(quote or #text + 1) end
    parts[#parts + 1] = text:sub(quote, stop)
    position = stop + 1
  end
end

-- From here on a double stands for several whole numbers.
local MAX_EXACT = 2 ^ 53

-- Marks lists, and converts doubles to integers in place if this Lua has integers. True when a number in the text may
-- have been another one. (The names of an object are strings: only a list has [1].)
local function normalize(value)
  local inexact = false
  if value[1] ~= nil then json.array(value) end
  for key, item in pairs(value) do
    local kind = type(item)
    if kind == "table" then
      inexact = normalize(item) or inexact
    elseif kind == "number" then
      if item >= MAX_EXACT or item <= -MAX_EXACT then
        inexact = true
      elseif to_integer then
        value[key] = to_integer(item) or item
      end
    end
  end
  return inexact
end

-- Replaces marked strings by whole numbers, and removes the mark from empty lists.
local function restore(value, mark)
  for key, item in pairs(value) do
    if type(item) == "table" then
      restore(item, mark)
    elseif item == mark then
      value[key] = nil
    elseif type(item) == "string" and item:sub(1, #mark) == mark then
      value[key] = whole_number(item:sub(#mark + 1))
    end
  end
end

--- Parses an array or an object. Whole numbers are exact; one that this Lua cannot represent is a string of its
--- digits. Lists are marked as by `json.array`.
---@param text string
---@return any value `json.null` for null; nil when the text is not JSON
---@return string? err
function json.decode(text)
  if text:find("\0", 1, true) then return nil, "a NUL" end -- lua-cjson would stop there
  local value, err = codec().decode(text)
  if type(value) ~= "table" then return value, err end
  if not normalize(value) and not text:find(EMPTY_LIST) then return value end
  local mark = random.hex(MARK_BYTES)
  value = codec().decode(marked_text(text, mark))
  normalize(value)
  restore(value, mark)
  return value
end

-- A number with 17 digits, if lua-cjson's 14 digits would be another number; otherwise nil.
local function long_form(number)
  if number ~= number or math.abs(number) == math.huge then return nil end
  if math_type and math_type(number) == "integer" then
    return (number >= 1e14 or number <= -1e14) and ("%d"):format(number) or nil
  end
  if tonumber(("%.14g"):format(number)) == number and math.abs(number) < 1e14 then return nil end
  if number % 1 == 0 and math.abs(number) <= 2 ^ 53 then return ("%.0f"):format(number) end
  return (("%.17g"):format(number):gsub(",", "."))
end

-- A copy with marked strings instead of values that lua-cjson would not write exactly; sets `found` if there are any.
local function mark_values(value, mark, found)
  local special
  if type(value) == "number" then
    special = long_form(value)
  elseif type(value) == "table" then
    if next(value) == nil and getmetatable(value) == list then
      special = "[]"
    else
      local copy = {}
      for key, item in pairs(value) do copy[key] = mark_values(item, mark, found) end
      return copy
    end
  end
  if not special then return value end
  found[1] = true
  return mark .. special
end

--- Serializes a value. Numbers keep all their digits.
---@param value any
---@return string|nil text nil when it cannot be serialized
---@return string? err
function json.encode(value)
  local text, err = codec().encode(value)
  if not text then return nil, err end
  local mark, found = random.hex(MARK_BYTES), {}
  local copy = mark_values(value, mark, found)
  if not found[1] then return text end
  return (codec().encode(copy):gsub('"' .. mark .. '([^"]*)"', "%1"))
end

return json
