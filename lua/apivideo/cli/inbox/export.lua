--- `apivideo inbox export`: writes entries as JSON lines.

local filter = require "apivideo.cli.inbox.filter"
local output = require "apivideo.cli.output"
local progress = require "apivideo.cli.progress"
local store = require "apivideo.cli.store"

local export = {}

--- Defines the subcommand.
function export.define(sub)
  sub:description("Writes entries of an inbox to stdout, one JSON object per line, for inbox import and for resend.")
  store.define(sub)
  filter.define(sub, filter.STATES)
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@return integer status
---@return any message
function export.run(arguments)
  return store.with(arguments, function(inbox)
    local shown, count = progress.new "exporting", 0
    for line in inbox:export(filter.of(arguments)) do -- it raises its errors
      output.write(line .. "\n")
      count = count + 1
      shown:update(count)
    end
    shown:finish()
    return 0
  end)
end

return export
