--- A port of 127.0.0.1 that nobody uses, for a program that cannot tell which one it got.

local socket = require "socket"

-- Below 32768 Linux gives none to who asks for any, so that nobody else gets one meanwhile.
local FIRST, COUNT = 10000, 22000

-- Each process begins elsewhere.
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
