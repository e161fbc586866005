--- The resident memory of a process, exactly (the value in /proc/PID/status is delayed).

local file = require "spec.support.file"

--- Bytes.
---@param pid? integer default: this process
---@return number
return function(pid)
  local text = file.read(("/proc/%s/smaps_rollup"):format(pid or "self"))
  return 1024 * assert(tonumber(text:match "Rss:%s*(%d+)"), "no such process")
end
