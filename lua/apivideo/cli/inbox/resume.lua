--- `apivideo inbox resume`: continues the handling of events.

local store = require "apivideo.cli.store"

local resume = {}

--- Defines the subcommand.
function resume.define(sub)
  sub:description("Continues the handling of events after inbox pause.")
  store.define(sub)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function resume.run(arguments, out)
  local inbox, problem = store.open(arguments)
  if not inbox then return 2, problem end
  local ok, err = inbox:resume()
  inbox:close()
  if not ok then return 1, err end
  out:print({ paused = false }, "resumed")
  return 0
end

return resume
