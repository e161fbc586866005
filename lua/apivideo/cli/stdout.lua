--- The standard output, for help too: so this module requires no other one.

local stdout = {}

--- Writes a text at once.
---@param text string
---@return boolean ok
---@return string message if that failed
function stdout.write(text)
  local ok, message = io.stdout:write(text)
  if ok then ok, message = io.stdout:flush() end
  return ok and true, "cannot write the output: " .. tostring(message)
end

--- Writes a text, and exits.
---@param text string
function stdout.print_and_exit(text)
  local ok, message = stdout.write(text)
  if not ok then io.stderr:write("apivideo: ", message, "\n") end
  os.exit(ok and 0 or 1)
end

return stdout
