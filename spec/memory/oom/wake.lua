--- Wakes a loop by its thread: notifications, times and descriptors, also while the thread runs.

local unix = require "socket.unix"
local core = require "apivideo.core"

-- `require` does not report that memory is exhausted as such, so it is loaded before.
assert(require("apivideo.core").http)

return function()
  local wake, message = core.wake.new()
  if not wake then return nil, message end
  local client = (unix.stream or unix)()
  assert(client:connect(wake:path()))
  assert(wake:accept())
  client:settimeout(10)
  local pool = assert(core.http.new())
  pool:watch(wake:fd())
  if pool:timeout() then return nil, "a timeout without a transfer" end
  for i = 1, 50 do
    wake:arm(i % 2 == 0 and 1e-6 or 3600)
    wake:notify()
    if client:receive(1) ~= "\0" then return nil, "no byte" end
    wake:take()
  end
  pool:close()
  wake:close()
  client:close()
  return true
end
