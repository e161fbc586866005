--- Calls a function that must raise an error at its own level, and returns the message.
---@param fn function without a tail call, which would remove its stack frame
---@return string message
return function(fn)
  local ok, message = pcall(fn)
  assert(not ok, "nothing was raised")
  local file = debug.getinfo(fn, "S").short_src
  assert(type(message) == "string" and message:find(file .. ":", 1, true), message)
  return message
end
