--- Runs a function that misuses something: the message that this raises, which names the function's file.
---@param fn function that makes no tail call, so that Lua knows where it is
---@return string message
return function(fn)
  local ok, message = pcall(fn)
  assert(not ok, "nothing was raised")
  local file = debug.getinfo(fn, "S").short_src
  assert(type(message) == "string" and message:find(file .. ":", 1, true), message)
  return message
end
