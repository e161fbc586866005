--- How descriptors wake an nginx worker, whose Lua code can wait for cosockets only: a thread (`apivideo.core.wake`)
--- waits for them, and writes a byte to a UNIX socket from which a cosocket reads.

local core = require "apivideo.core"
local host = require "apivideo.runtime.host"

local CONNECT_TIMEOUT_MS = 1000
local READ_TIMEOUT_MS = 60000 -- nginx logs an error when it passes: the caller arms the wake for a much shorter time

---@class apivideo.NginxDoor
local Door = {}
Door.__index = Door
Door.__name = "apivideo.NginxDoor"

local doors = {}

--- Connects to a new thread. The cosocket belongs to the timer that runs this, and only that can wait for a byte.
---@return apivideo.NginxDoor|nil
---@return string? message
function doors.open()
  local wake, message = core.wake.new()
  if not wake then return nil, message end
  local socket = host.ngx.socket.tcp()
  socket:settimeouts(CONNECT_TIMEOUT_MS, CONNECT_TIMEOUT_MS, READ_TIMEOUT_MS)
  local is_open
  is_open, message = socket:connect("unix:" .. wake:path())
  if is_open then is_open, message = wake:accept() end
  local door = setmetatable({ wake = wake, socket = socket }, Door)
  if is_open then return door end
  door:close()
  return nil, message
end

--- Waits for a byte; false if the connection was closed.
---@return boolean
function Door:wait()
  if not self.socket:receive(1) then return false end
  self.wake:take()
  return true
end

--- Ends the thread.
function Door:close()
  self.socket:close()
  self.wake:close()
end

return doors
