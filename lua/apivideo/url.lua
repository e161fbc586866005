--- The parts of URLs that this library reads and writes.

local url = {}

local function encode(text)
  return (tostring(text):gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function decode(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function text_of(value)
  if type(value) == "number" and value % 1 == 0 then return ("%.0f"):format(value) end
  return tostring(value)
end

--- A table as a query string, names in order. A list becomes `name[]=…` for each item, another table
--- `name[key]=…`.
---@param query table<string, string|number|boolean|table>
---@return string
function url.encode_query(query)
  local parts = {}
  local function add(name, value)
    if type(value) ~= "table" then
      parts[#parts + 1] = encode(name) .. "=" .. encode(text_of(value))
      return
    end
    local is_list = value[1] ~= nil
    for key, item in pairs(value) do
      add(("%s[%s]"):format(name, is_list and "" or tostring(key)), item)
    end
  end
  for name, value in pairs(query) do add(name, value) end
  table.sort(parts)
  return table.concat(parts, "&")
end

--- A query string as a table: name -> value, or an array of values once a name repeats.
---@param text string
---@return table<string, string|string[]>
function url.decode_query(text)
  local query = {}
  for part in text:gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=?(.*)$")
    name, value = decode(name), decode(value)
    local before = query[name]
    if type(before) == "table" then
      before[#before + 1] = value
    else
      query[name] = before and { before, value } or value
    end
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
