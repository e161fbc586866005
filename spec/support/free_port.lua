--- Finds a free port of 127.0.0.1, for a program that cannot report a port it chose itself.

local socket = require "socket"

-- Below Linux's ephemeral ports, which begin at 32768, so that no other process gets the port in the meantime.
local FIRST, COUNT = 10000, 22000

-- Each process begins with another port.
local last
do
  local stat = assert(io.open "/proc/self/stat")
  last = stat:read "*n" * 997 % COUNT
  stat:close()
end

return function()
  while true do
    last = (last + 1) % COUNT
    local listening = socket.bind("127.0.0.1", FIRST + last)
    if listening then
      listening:close()
      return FIRST + last
    end
  end
end
