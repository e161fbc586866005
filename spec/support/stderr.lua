--- Catches what the library writes to stderr.

local stderr = {}
local real = io.stderr

--- Catches it from now on: a list, which grows with each line.
---@return string[] written
function stderr.catch()
  local written = {}
  io.stderr = { write = function(_, ...) written[#written + 1] = table.concat { ... } end } -- luacheck: ignore
  return written
end

--- Ends that.
function stderr.release()
  io.stderr = real -- luacheck: ignore
end

--- What a function writes. What it raises is raised after that.
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
