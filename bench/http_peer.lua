--- Starts bench/http_server.c, which responds to every GET.

local file = require "spec.support.file"
local wait_for = require "spec.support.wait"

--- Returns the server's URL, and a pipe; closing it ends the server.
---@param program string
---@param milliseconds integer latency of its responses
---@return string url
---@return file*
return function(program, milliseconds)
  local path = os.tmpname()
  local running = assert(io.popen(("%s %d > %s"):format(program, milliseconds, path), "w"))
  local port = wait_for(function() return file.read(path):match "(%d+)\n" end, "the server")
  os.remove(path)
  return "http://127.0.0.1:" .. port, running
end
