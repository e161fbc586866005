--- What the metrics of all workers of the soak say: also of those that have ended, as of their last writing.

local file = require "spec.support.file"
local lfs = require "lfs"

local PATTERN = 'apivideo_inbox_attempts_total{type="[^"]*",outcome="([%l_]+)"} (%d+)'

--- The number of attempts by outcome.
---@param directory string
---@return table<string, integer>
return function(directory)
  local sums = { completed = 0, retried = 0, dead_lettered = 0, lost = 0 }
  for name in lfs.dir(directory) do
    if name:find "^metrics%-[^.]*$" then
      for outcome, number in file.read(directory .. "/" .. name):gmatch(PATTERN) do
        sums[outcome] = sums[outcome] + number
      end
    end
  end
  return sums
end
