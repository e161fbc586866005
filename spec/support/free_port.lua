--- A port of 127.0.0.1 that nobody uses, for a program that cannot tell which one it got.

local socket = require "socket"

return function()
  local listening = assert(socket.bind("127.0.0.1", 0))
  local _, port = listening:getsockname()
  listening:close()
  return port
end
