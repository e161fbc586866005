--- One line of JSON for programs: the members sorted by name, so that equal records are equal lines. lua-cjson keeps the
--- order of the table, which differs from run to run.

local json = require "apivideo.util.json"
local utf8 = require "apivideo.util.utf8"

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

local function encode_list(list)
  local parts = {}
  for i, item in ipairs(list) do parts[i] = encode(item) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(object)
  local names, parts = {}, {}
  for name in pairs(object) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = encode_string(name) .. ":" .. encode(object[name]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  local kind = type(value)
  if kind == "string" then return encode_string(value) end
  if kind == "number" then return encode_number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then return "null" end
  if json.is_list(value) then return encode_list(value) end
  return encode_object(value)
end

local json_line = {}

--- Serializes a record.
---@param record any strings may contain any bytes; those that are not UTF-8 become U+FFFD
---@return string
function json_line.encode(record)
  return encode(record)
end

return json_line
