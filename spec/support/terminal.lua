--- Runs the command on a pseudo-terminal.

local process = require "spec.support.process"
local shell = require "spec.support.shell"

local terminal = {}

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Whether util-linux's script, which makes a pseudo-terminal, is installed.
function terminal.is_available()
  return shell.has "script"
end

--- Runs the interpreter with some arguments, of which stdin, stdout and stderr are a terminal.
---@param arguments string[]
---@param typed? string what the user types
---@param kind? string of the terminal: the variable TERM; default "dumb", which has no colours
---@return string output with "\n" for line breaks
---@return integer status
function terminal.run(arguments, typed, kind)
  local script = ("printf %%s %s | NO_COLOR= TERM=%s script -qec %s /dev/null; echo status=$?"):format(
    quote(typed or ""), kind or "dumb", quote(process.command(arguments)))
  local output = process.run { "-e", ("os.execute(%q)"):format(script) }
  local text, status = output:gsub("\r\n", "\n"):match "^(.*)status=(%d+)\n$"
  return text, tonumber(status)
end

return terminal
