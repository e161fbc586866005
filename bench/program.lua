--- Starts a program that prints its port, and ends at the end of its input.

local wait_for = require "spec.support.wait"

---@param command string
---@return string url
---@return file* pipe its input
return function(command)
  local path = os.tmpname()
  local pipe = assert(io.popen(command .. " > " .. path, "w"))
  local port = wait_for(function()
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    return text:match "(%d+)\n"
  end, command)
  os.remove(path)
  return "http://127.0.0.1:" .. port, pipe
end
