--- A table in a file that users write in Lua's syntax.

local MAX_INSTRUCTIONS = 1e7 -- about a second: a table needs much less

local lua_table = {}

-- Calls a function, which may not run for longer than a table needs.
local function limited(chunk)
  if rawget(_G, "jit") then jit.off(chunk, true) end -- compiled code calls no hooks
  local hook, mask, count = debug.gethook()
  debug.sethook(function() error("it runs for too long; it may only return a table", 0) end, "", MAX_INSTRUCTIONS)
  local ok, value = pcall(chunk)
  debug.sethook(hook, mask, count)
  return ok, value
end

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
  local ok, value = limited(chunk)
  if not ok then return nil, tostring(value) end
  if type(value) ~= "table" then return nil, "it must return a table, such as: " .. example end
  return value
end

return lua_table
