--- The attackers of bench/hostile.lua, in a process of their own. Arguments: port, attack, number of clients, actions
--- per second.

local crowd = require "spec.support.crowd"
local socket = require "socket"

local port, name, size, rate = tonumber(arg[1]), arg[2], tonumber(arg[3]), tonumber(arg[4])
local clients = crowd.new(port, size, crowd.attacks[name])

-- Small steps, so that the listen backlog does not overflow.
while clients.came < size do
  clients:turn(20)
  socket.sleep(0.01)
end
print "there"
io.stdout:flush()

local started, done = socket.gettime(), 0
while true do
  socket.sleep(0.005)
  local due = math.floor((socket.gettime() - started) * rate)
  clients:turn(due - done)
  done = due
end
