--- The memory that a process has on the machine, exactly (the figure in /proc/…/status lags behind).

local file = require "spec.support.file"

--- Bytes.
---@param pid? integer without it: this process
---@return number
return function(pid)
  local text = file.read(("/proc/%s/smaps_rollup"):format(pid or "self"))
  return 1024 * assert(tonumber(text:match "Rss:%s*(%d+)"), "no such process")
end
