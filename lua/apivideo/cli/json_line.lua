--- JSON that is printed: in one line for programs, or indented for people. The members are sorted by name, so that equal
--- records are equal lines. lua-cjson keeps the order of the table, which differs from run to run.

local json = require "apivideo.util.json"
local utf8 = require "apivideo.util.utf8"

local INDENT = "  "
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r",
  ["\t"] = "\\t" }

local function encode_string(text)
  text = utf8.repaired(text):gsub('[%z\1-\31\127"\\]', function(char)
    return ESCAPES[char] or ("\\u%04x"):format(char:byte())
  end)
  return '"' .. text .. '"'
end

-- Numbers in the shortest of two forms that is exact enough for times and sizes: 17 digits show how a fraction is stored.
local function encode_number(number)
  if number ~= number or number == math.huge or number == -math.huge then return "null" end
  if number % 1 == 0 and math.abs(number) < 2 ^ 53 then return ("%.0f"):format(number) end
  if tostring(number):find "^%-?%d+$" then return tostring(number) end -- an integer of 64 bits
  return (("%.14g"):format(number):gsub(",", ".")) -- the locale's decimal point
end

local encode

-- Joins the encoded items of a list or an object. `indent` is the white space before its items; nil: one line.
local function join(parts, first, last, indent)
  if #parts == 0 or not indent then return first .. table.concat(parts, ",") .. last end
  return first .. "\n" .. indent .. table.concat(parts, ",\n" .. indent) .. "\n" .. indent:sub(#INDENT + 1) .. last
end

local function encode_list(list, indent)
  local parts = {}
  for i, item in ipairs(list) do parts[i] = encode(item, indent) end
  return join(parts, "[", "]", indent)
end

local function encode_object(object, indent)
  local names, parts = {}, {}
  for name in pairs(object) do names[#names + 1] = tostring(name) end
  table.sort(names)
  local colon = indent and ": " or ":"
  for i, name in ipairs(names) do parts[i] = encode_string(name) .. colon .. encode(object[name], indent) end
  return join(parts, "{", "}", indent)
end

function encode(value, indent)
  local kind = type(value)
  if kind == "string" then return encode_string(value) end
  if kind == "number" then return encode_number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then return "null" end
  return (json.is_list(value) and encode_list or encode_object)(value, indent and indent .. INDENT)
end

local json_line = {}

--- Serializes a record.
---@param record any strings may contain any bytes; those that are not UTF-8 become U+FFFD
---@return string
function json_line.encode(record)
  return encode(record)
end

--- Serializes a record for people: a line for each value.
---@param record any
---@return string
function json_line.indented(record)
  return encode(record, "")
end

return json_line
