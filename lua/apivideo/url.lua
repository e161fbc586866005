--- The parts of URLs that this library reads and writes.

local url = {}

local function encode(text)
  return (tostring(text):gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function decode(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- A table as a query string, names in order.
---@param query table<string, string|number>
---@return string
function url.encode_query(query)
  local parts = {}
  for name, value in pairs(query) do
    if type(value) == "number" and value % 1 == 0 then value = ("%d"):format(value) end
    parts[#parts + 1] = encode(name) .. "=" .. encode(value)
  end
  table.sort(parts)
  return table.concat(parts, "&")
end

--- A query string as a table; a name that comes twice keeps its last value.
---@param text string
---@return table<string, string>
function url.decode_query(text)
  local query = {}
  for part in text:gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=?(.*)$")
    query[decode(name)] = decode(value)
  end
  return query
end

--- The path and the query of a request's target, as they came.
---@param target string
---@return string path
---@return string query "" when there is none
function url.split(target)
  local path, query = target:match("^([^?]*)%??(.*)$")
  return path, query
end

return url
