--- `apivideo inbox pause`: stops the handling of events.

local store = require "apivideo.cli.store"

local pause = {}

--- Defines the subcommand.
function pause.define(sub)
  sub:description("Stops the handling of events in all processes, until inbox resume. Events are received as before.")
  store.define(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function pause.run(arguments, out)
  local inbox, problem = store.open(arguments)
  if not inbox then return 2, problem end
  local ok, err = inbox:pause()
  inbox:close()
  if not ok then return 1, err end
  out:print({ paused = true }, "paused; continue with: apivideo inbox resume")
  return 0
end

return pause
