--- HTTP headers as tables: lower-case name -> string, or an array of strings when a name repeats
--- (the convention of ngx.req.get_headers).

local ascii = require "apivideo.util.ascii"
local core = require "apivideo.core"

local getmetatable, rawget, type = getmetatable, rawget, type

local headers = {}

-- Headers about one connection (RFC 9110, 7.6.1), and those that describe the framing, which the next request has again.
local OF_CONNECTION = {
  connection = true, ["keep-alive"] = true, ["proxy-connection"] = true, te = true, trailer = true,
  ["transfer-encoding"] = true, upgrade = true, ["content-length"] = true, expect = true, host = true,
}

local by_any_case = {
  __index = function(self, name)
    return type(name) == "string" and rawget(self, ascii.lower(name)) or nil
  end,
}

--- Makes the names of a table with lower-case names case-insensitive.
---@param list table<string, string|string[]>
---@return table<string, string|string[]> list the same table
function headers.any_case(list)
  return setmetatable(list, by_any_case)
end

--- The values of a header. The names in the table may have any case, and lists may begin at 0 as HAProxy's do: web
--- frameworks differ.
---@param list table<string, string|string[]>
---@param name string in lower case
---@return string? value the first
---@return integer count of the values
function headers.get(list, name)
  if getmetatable(list) == by_any_case then
    local item = list[name]
    if type(item) == "table" then return item[1], #item end
    return item, item and 1 or 0
  end
  local value, count = core.header(list, name)
  return value, count
end

local function values_of(item)
  return type(item) == "table" and item or { item }
end

-- The names of the headers that are not passed on.
local function names_of_connection(list)
  local names = {}
  for name, item in pairs(list) do
    if ascii.lower(name) == "connection" then
      for _, value in ipairs(values_of(item)) do
        for each in value:gmatch "[^,%s]+" do names[ascii.lower(each)] = true end
      end
    end
  end
  return setmetatable(names, { __index = OF_CONNECTION })
end

local function sorted_lines(list, omitted)
  local lines = {}
  for name, item in pairs(list) do
    if not omitted[ascii.lower(name)] then
      for _, value in ipairs(values_of(item)) do lines[#lines + 1] = name .. ": " .. value end
    end
  end
  table.sort(lines)
  return lines
end

--- Headers as lines, sorted.
---@param list table<string, string|string[]>
---@return string[] lines
function headers.sorted(list)
  return sorted_lines(list, {})
end

--- The headers that a proxy passes on as lines, sorted: not those about the connection, nor those that `Connection`
--- names.
---@param list table<string, string|string[]>
---@return string[] lines
function headers.forwarded(list)
  return sorted_lines(list, names_of_connection(list))
end

--- The header lines of several tables; a name in a later table replaces the same name, in any case, in an earlier
--- one.
---@param ... table<string, string|false>|nil `false`: no such header
---@return string[] lines
function headers.lines(...)
  local by_name, lines = {}, {}
  for i = 1, select("#", ...) do
    for name, value in pairs(select(i, ...) or {}) do
      if value then by_name[ascii.lower(name)] = name .. ": " .. value end
    end
  end
  for _, line in pairs(by_name) do lines[#lines + 1] = line end
  return lines
end

return headers
