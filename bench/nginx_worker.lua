--- The worker of an nginx of spec/support/nginx_lua.lua, on a processor of its own.

local wait_for = require "spec.support.wait"

--- Its process id.
---@param nginx spec.Nginx
---@param pin string "" for any processor
---@return string
return function(nginx, pin)
  local pid = wait_for(function() return nginx:workers()[1] end, "a worker")
  -- All its threads: the library may have started one.
  if pin ~= "" then os.execute(("taskset -a -p -c 0 %s > /dev/null"):format(pid)) end
  return pid
end
