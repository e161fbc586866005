--- A worker process for bench/workers.lua, of an inbox in Redis: worker.lua PORT. Prints the port when it starts to
--- work, and ends at the end of its input.

local apivideo = require "apivideo"
local runtime = require "apivideo.runtime"

local port = tonumber(arg[1])

local inbox = apivideo.inbox { store = require "apivideo.inbox.redis" { port = port } }
local handlers = apivideo.handlers():on("*", function() end)
runtime.spawn(function() inbox:work(handlers, { concurrency = 32 }) end)
runtime.watch(0, function() os.exit(0) end)
io.write(port, "\n")
io.flush()
runtime.run()
