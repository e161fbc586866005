--- Waits for a condition, with a timeout.

local runtime = require "apivideo.runtime"

local TIMEOUT_S = os.getenv "APIVIDEO_SLOW" and 60 or 10

--- Runs the loop until `condition()` is true, and returns its value. Raises an error after `timeout_s` seconds.
return function(condition, what, timeout_s)
  local deadline = runtime.monotonic() + (timeout_s or TIMEOUT_S)
  while true do
    local value = condition()
    if value then return value end
    if runtime.monotonic() > deadline then error("timed out waiting for " .. (what or "a condition"), 2) end
    runtime.sleep(0.002)
  end
end
