--- Captures what the library writes to stderr.

local stderr = {}
local real = io.stderr

--- Starts capturing. Returns a list that grows with each write.
---@return string[] written
function stderr.catch()
  local written = {}
  io.stderr = { write = function(_, ...) written[#written + 1] = table.concat { ... } end } -- luacheck: ignore
  return written
end

--- Stops capturing.
function stderr.release()
  io.stderr = real -- luacheck: ignore
end

--- The writes of a function. Raises the function's error, if any, after it has stopped capturing.
---@param run fun()
---@return string[] written
function stderr.of(run)
  local written = stderr.catch()
  local ok, err = pcall(run)
  stderr.release()
  if not ok then error(err, 0) end
  return written
end

return stderr
