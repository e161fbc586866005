--- Runs a function several times concurrently, in tasks of the loop.

local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local TIMEOUT_S = 60

--- Calls `fn(i)` for 1 to `count`, each in a task, and waits for all of them. Raises the error of a task.
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
    local ok, err = all:wait(TIMEOUT_S)
    if not ok then error(err, 0) end
  end)
end
