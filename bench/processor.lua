--- The processor time of a process.

--- Seconds until now, of all its threads. Threads that have ended do not count.
---@param pid integer|string
---@return number
return function(pid)
  local pipe = assert(io.popen(("cat /proc/%s/task/*/schedstat"):format(pid)))
  local nanoseconds = 0
  for line in pipe:lines() do nanoseconds = nanoseconds + tonumber(line:match "^%d+") end
  pipe:close()
  assert(nanoseconds > 0, "no such process")
  return nanoseconds / 1e9
end
