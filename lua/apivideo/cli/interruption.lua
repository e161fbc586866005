--- Ctrl-C while a command waits in the loop. The program `lua` would raise an error at any place of the library's tasks,
--- which log it as a failure of theirs.

local misuse = require "apivideo.cli.misuse"
local progress = require "apivideo.cli.progress"
local runtime = require "apivideo.runtime"

local interruption = {}

--- Calls a function. SIGINT and SIGTERM end the process until it returns. (Not while it asks a question: only the loop
--- notices a signal.)
---@param describe nil|fun(): string|nil what the interruption leaves, for the user
---@param run fun(...): integer, any
---@param ... any for `run`
---@return integer status of `run`
---@return any message of `run`
function interruption.during(describe, run, ...)
  local unsubscribe = runtime.on_signal(function()
    progress.clear()
    local left = describe and describe()
    io.stderr:write("apivideo: interrupted\n", left and left .. "\n" or "")
    os.exit(misuse.INTERRUPTED)
  end)
  local status, message = run(...)
  if unsubscribe then unsubscribe() end
  return status, message
end

return interruption
