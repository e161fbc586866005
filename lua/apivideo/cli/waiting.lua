--- What a command waits for, on a terminal while it waits.

local progress = require "apivideo.cli.progress"
local runtime = require "apivideo.runtime"

local TICK_S = 0.25

local waiting = {}

--- Calls a function. While it waits, shows the text that another function returns.
---@param describe fun(): string|nil without control characters; nil: nothing is shown
---@param run fun(...): integer, any
---@param ... any for `run`
---@return integer status of `run`
---@return any message of `run`
function waiting.during(describe, run, ...)
  local line, is_over = progress.new "", false
  if line.is_shown then
    runtime.spawn(function()
      while not is_over do
        local text = describe()
        if text then line:show(text) else line:finish() end
        runtime.sleep(TICK_S)
      end
    end)
  end
  local status, message = run(...)
  is_over = true
  line:finish()
  return status, message
end

return waiting
