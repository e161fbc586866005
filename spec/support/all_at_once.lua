--- Runs a function many times at once, in tasks of the loop.

local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local LIMIT = 60 -- seconds

--- Calls `fn(i)` for 1 to `count`, each in a task, until all have ended. An error of one is raised here.
return function(count, fn)
  runtime.run(function()
    local left, all = count, runtime.latch()
    for i = 1, count do
      runtime.spawn(function()
        local ok, err = protected.call(fn, i)
        left = left - 1
        if not ok or left == 0 then all:open(ok, err) end
      end)
    end
    local ok, err = all:wait(LIMIT)
    if not ok then error(err, 0) end
  end)
end
