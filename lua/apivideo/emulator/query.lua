--- The filters of a list in a request's query.

local query = {}

-- The last value of a name, or nil.
local function last(value)
  return type(value) == "table" and value[#value] or value
end

--- A plain parameter.
---@return string?
function query.text(request, name)
  return last(request.query[name])
end

--- All values of `name[]`.
---@return string[]
function query.list(request, name)
  local value = request.query[name .. "[]"]
  return type(value) == "table" and value or { value }
end

--- The values of `name[key]`, by key.
---@return table<string, string>
function query.map(request, name)
  local map = {}
  for parameter, value in pairs(request.query) do
    local before, key = parameter:match("^([^%[]+)%[(.+)%]$")
    if before == name then map[key] = last(value) end
  end
  return map
end

--- Whether a text has the value of a parameter in it; any has when the parameter is not given.
---@return boolean
function query.is_part(request, name, text)
  local part = query.text(request, name)
  return not part or type(text) == "string" and text:find(part, 1, true) ~= nil
end

--- Whether a text is the value of a parameter; any is when the parameter is not given.
---@return boolean
function query.is_equal(request, name, text)
  local wanted = query.text(request, name)
  return not wanted or text == wanted
end

return query
