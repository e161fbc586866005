--- `apivideo inbox export`: writes entries as JSON lines.

local errors = require "apivideo.error"
local filter = require "apivideo.cli.inbox.filter"
local output = require "apivideo.cli.output"
local progress = require "apivideo.cli.progress"
local protected = require "apivideo.util.pcall"
local store = require "apivideo.cli.store"

local export = {}

--- Defines the subcommand.
function export.define(sub)
  sub:description("Writes entries of an inbox to stdout, one JSON object per line, for inbox import and for resend.")
  store.define(sub)
  filter.define(sub, true)
end

local function write(inbox, arguments)
  local shown, count = progress.new "exporting", 0
  for line in inbox:export(filter.of(arguments)) do
    output.write(line .. "\n")
    count = count + 1
    shown:update(count)
  end
  shown:finish()
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@return integer status
---@return any message
function export.run(arguments)
  local inbox, problem = store.open(arguments)
  if not inbox then return 2, problem end
  local ok, err = protected.call(write, inbox, arguments)
  inbox:close()
  if ok then return 0 end
  if errors.is(err) then return 1, err end
  error(err, 0)
end

return export
