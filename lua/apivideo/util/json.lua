--- JSON of the management API. The core reads it. lua-cjson writes it, in a private instance, so that its settings do not
--- affect the application's. It writes 14 digits of a number, and an empty list as an empty object; such values pass
--- through it as marked strings.

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local packages = require "apivideo.util.packages"
local random = require "apivideo.util.random"

local new_cjson = packages.load("cjson.safe", "lua-cjson").new
local cjson, known_locale

-- lua-cjson reads the locale's decimal point when an instance is created, and writes malformed fractions after the
-- process has changed its locale: then a new instance is necessary.
local function codec()
  local locale = os.setlocale(nil, "numeric")
  if locale ~= known_locale then
    cjson, known_locale = new_cjson(), locale
    cjson.encode_max_depth(100)
    cjson.encode_invalid_numbers(false)
  end
  return cjson
end

local math_type = math.type

local json = {}

--- The value of `null`, which is not nil, so that it differs from a missing member.
json.null = codec().null

local list = core.json.list -- the metatable of lists, also in parsed events

--- Marks a table as a list, so that it is written as `[]` when it is empty. Decoded lists are marked.
---@param items table
---@return table items the same table
function json.array(items)
  checks.value("array: items", items, "table", 2)
  return setmetatable(items, list)
end

--- Whether a table is written as a list: it is marked as one, or has the items of one.
---@param items table
---@return boolean
function json.is_list(items)
  return getmetatable(items) == list or #items > 0
end

--- Parses a value. Whole numbers are exact; a number that this Lua cannot represent is its literal, as a string. Lists
--- are marked as by `json.array`.
---@param text string
---@return any value `json.null` for null; nil when the text is not JSON, or exceeds the limits of docs/reference/json.md
---@return string? err
function json.decode(text)
  local value, message, offset = core.json.decode(text)
  if value == nil then return nil, ("%s at byte %d"):format(message, offset) end
  return value
end

--- Parses a text that `json.encode` wrote, of any size: the limits of `decode` are for what others send.
---@param text string
---@return any value nil when the text is not JSON
---@return string? err
function json.decode_own(text)
  return codec().decode(text)
end

local MARK_BYTES = 16 -- of the random prefix of marked strings: no value begins with it

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
