--- Waits until a program accepts connections.

local socket = require "socket"
local wait_for = require "spec.support.wait"

---@param port integer of 127.0.0.1
---@param what string name of the program, for the error message
return function(port, what)
  wait_for(function()
    local probe = socket.connect("127.0.0.1", port)
    return probe and probe:close()
  end, what)
end
