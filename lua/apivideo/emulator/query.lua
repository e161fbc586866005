--- Reads a request's query parameters, as the filters of a list.

local query = {}

-- The last value of a parameter that is repeated.
local function last(value)
  return type(value) == "table" and value[#value] or value
end

--- The value of a plain parameter, or nil.
---@param request apivideo.ServerRequest
---@param name string
---@return string?
function query.text(request, name)
  return last(request.query[name])
end

--- All values of `name[]`.
---@param request apivideo.ServerRequest
---@param name string
---@return string[]
function query.list(request, name)
  local value = request.query[name .. "[]"]
  return type(value) == "table" and value or { value }
end

--- The values of `name[key]`, by key.
---@param request apivideo.ServerRequest
---@param name string
---@return table<string, string>
function query.map(request, name)
  local map = {}
  for parameter, value in pairs(request.query) do
    local before, key = parameter:match("^([^%[]+)%[(.+)%]$")
    if before == name then map[key] = last(value) end
  end
  return map
end

--- Whether a text contains the value of a parameter. True if the request does not have the parameter.
---@param request apivideo.ServerRequest
---@param name string
---@param text any
---@return boolean
function query.contains(request, name, text)
  local part = query.text(request, name)
  return not part or type(text) == "string" and text:find(part, 1, true) ~= nil
end

--- Whether a text equals the value of a parameter. True if the request does not have the parameter.
---@param request apivideo.ServerRequest
---@param name string
---@param text any
---@return boolean
function query.equals(request, name, text)
  local wanted = query.text(request, name)
  return not wanted or text == wanted
end

return query
