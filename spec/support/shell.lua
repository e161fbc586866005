--- Runs shell commands for their exit status.

local shell = {}

--- Runs a command without its output. Returns whether its exit status is 0.
---@param command string
---@return boolean
function shell.succeeds(command)
  local status = os.execute(command .. " > /dev/null 2>&1")
  return status == true or status == 0
end

--- Whether a program is installed.
---@param program string
---@return boolean
function shell.has(program)
  return shell.succeeds("command -v " .. program)
end

return shell
