--- Queries and paths of URLs.

local url = {}

-- Not "%w", which depends on the locale.
local function encode(text)
  return (text:gsub("[^A-Za-z0-9%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function decode(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- A value as text; nil if it cannot be sent.
local function text_of(value)
  if type(value) == "number" then
    if value ~= value or math.abs(value) == math.huge then return nil end
    if value % 1 == 0 and not (math.type and math.type(value) == "integer") then return ("%.0f"):format(value) end
    return (tostring(value):gsub(",", ".")) -- the locale's decimal point
  end
  return type(value) == "string" and value or type(value) == "boolean" and tostring(value) or nil
end

-- The keys of a table, sorted.
local function names_of(values)
  local names = {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if type(a) == "number" and type(b) == "number" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return names
end

--- Encodes a table as a query string, sorted by name. A list becomes `name[]=…` for each item, another table
--- `name[key]=…`.
---@param query table<string, string|number|boolean|table>
---@return string|nil text nil when a value cannot be sent
---@return string? problem
function url.encode_query(query)
  local parts, problem = {}, nil
  local function add(name, value)
    if type(value) == "table" then
      if next(value) == nil then problem = name .. " is empty, which would filter nothing" end
      for _, key in ipairs(names_of(value)) do
        -- Not string.format: "%s" of Lua 5.1 ends at a NUL.
        add(name .. "[" .. (value[1] ~= nil and "" or tostring(key)) .. "]", value[key])
      end
      return
    end
    local text = text_of(value)
    if text then
      parts[#parts + 1] = encode(name) .. "=" .. encode(text)
    else
      problem = ("%s must be a string, a number, a boolean or a table of those"):format(name)
    end
  end
  for _, name in ipairs(names_of(query)) do add(name, query[name]) end
  if problem then return nil, problem end
  return table.concat(parts, "&")
end

--- Decodes a query string: name -> value, or an array of values when a name repeats.
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

--- The host of an http or https URL, without the brackets of an IPv6 address, and its port.
---@param text string
---@return string host
---@return integer port
function url.address(text)
  local scheme, authority = text:match "^(%a+)://([^/?#]*)"
  authority = authority:gsub("^.*@", "")
  local host, port = authority:match "^(.-):?(%d*)$"
  if authority:find "%]$" then host, port = authority, "" end
  return (host:gsub("^%[(.*)%]$", "%1")), tonumber(port) or (scheme:find "[sS]$" and 443 or 80)
end

--- The path and the query of a raw request-target.
---@param target string
---@return string path
---@return string query "" without one
function url.split(target)
  local path, query = target:match("^([^?]*)%??(.*)$")
  return path, query
end

return url
