--- `apivideo inbox import`: puts exported entries into an inbox.

local input = require "apivideo.cli.input"
local progress = require "apivideo.cli.progress"
local store = require "apivideo.cli.store"

local import = {}

--- Defines the subcommand.
function import.define(sub)
  sub:description("Puts the entries that inbox export wrote into an inbox. Those that it has already stay as they are,"
    .. " so that an import can be repeated after it was interrupted.")
  sub:argument("file", "The file; -: standard input."):argname "<file>"
  store.define(sub)
  sub:flag("--create", "Create the inbox if it does not exist.")
end

-- The lines of a file, with a counter of progress.
local function lines_of(file, shown)
  local count = 0
  return function()
    local line = file:read "*l"
    if line then
      count = count + 1
      shown:update(count)
    end
    return line
  end
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function import.run(arguments, out)
  local file, problem = input.open(arguments.file)
  if not file then return 2, problem end
  return store.with(arguments, function(inbox)
    local shown = progress.new "importing"
    local count, err = inbox:import(lines_of(file, shown))
    shown:finish()
    if not count then return 1, err end
    out:print({ imported = count }, ("%d %s imported"):format(count, count == 1 and "entry" or "entries"))
    return 0
  end, arguments.create or false)
end

return import
