--- HTTP headers as tables: lower-case name -> string, or an array of strings once a name repeats
--- (the convention of ngx.req.get_headers).

local headers = {}

local SMALL = {}
for byte = 65, 90 do SMALL[string.char(byte)] = string.char(byte + 32) end

-- A name in lower case. Not string.lower: in the locale tr_TR, that leaves the capital I as it is. (A range of a
-- pattern compares bytes.)
local function lower(name)
  return name:find "[A-Z]" and name:gsub("[A-Z]", SMALL) or name
end

local by_any_case = {
  __index = function(self, name)
    return type(name) == "string" and rawget(self, lower(name)) or nil
  end,
}

--- Makes a table with lower-case names answer to names in any case.
---@param list table<string, string|string[]>
---@return table<string, string|string[]> list the same table
function headers.any_case(list)
  return setmetatable(list, by_any_case)
end

--- The values of a header, however the table spells its name: web frameworks differ.
---@param list table<string, string|string[]>
---@param name string in lower case
---@return string? value the first
---@return integer count how many there are
function headers.get(list, name)
  if getmetatable(list) == by_any_case then
    local item = rawget(list, name)
    if type(item) == "table" then return item[1], #item end
    return item, item and 1 or 0
  end
  local value, count = nil, 0
  for key, item in pairs(list) do
    if type(key) == "string" and lower(key) == name then
      local items = type(item) == "table" and item or { item }
      value = value or items[1]
      count = count + #items
    end
  end
  return value, count
end

--- The lines of several tables of headers; a name in a later one stands before the same in an earlier
--- one, in whatever case.
---@param ... table<string, string|false>|nil
---@return string[] lines
function headers.lines(...)
  local by_name, lines = {}, {}
  for i = 1, select("#", ...) do
    for name, value in pairs(select(i, ...) or {}) do
      if value then by_name[lower(name)] = name .. ": " .. value end
    end
  end
  for _, line in pairs(by_name) do lines[#lines + 1] = line end
  return lines
end

return headers
