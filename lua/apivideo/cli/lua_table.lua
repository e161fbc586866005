--- A table in a file that users write in Lua's syntax.

local lua_table = {}

--- Runs a text without any global variable: it is a table, not a program. Bytecode is rejected, since a malformed one
--- can crash Lua.
---@param text string
---@param path string for messages
---@param example string of a valid text
---@return table|nil value
---@return string? problem
function lua_table.evaluate(text, path, example)
  if text:sub(1, 1) == "\27" then return nil, "it is bytecode" end
  local chunk, problem
  if setfenv then
    chunk, problem = loadstring(text, "@" .. path)
    if chunk then setfenv(chunk, {}) end
  else
    chunk, problem = load(text, "@" .. path, "t", {})
  end
  if not chunk then return nil, problem end
  local ok, value = pcall(chunk)
  if not ok then return nil, tostring(value) end
  if type(value) ~= "table" then return nil, "it must return a table, such as: " .. example end
  return value
end

return lua_table
