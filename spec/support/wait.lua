--- Waits for a condition, with a time limit.

local runtime = require "apivideo.runtime"

local LIMIT = os.getenv "APIVIDEO_SLOW" and 60 or 10 -- seconds

--- Drives the loop until `condition()` is true; its value. Fails the test after `limit_s` seconds.
return function(condition, what, limit_s)
  local limit = runtime.monotonic() + (limit_s or LIMIT)
  while true do
    local value = condition()
    if value then return value end
    if runtime.monotonic() > limit then error("waited in vain for " .. (what or "a condition"), 2) end
    runtime.sleep(0.002)
  end
end
