--- Timers of nginx.

local ngx = require("apivideo.runtime.host").ngx

local nginx_timer = {}

--- Starts a timer. nginx may have none left. It may also have no free connection, of which it uses one for a timer: then
--- `ngx.timer.at` raises an error.
---@param seconds number
---@param fn function
---@return boolean is_started
function nginx_timer.start(seconds, fn)
  local ok, is_started = pcall(ngx.timer.at, seconds, fn)
  return ok and is_started and true or false
end

return nginx_timer
