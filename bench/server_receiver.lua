--- The standalone server that bench/server.lua measures, with one handler. Prints its port, and ends when
--- its input does. arg[1] is the secret, arg[2] the type of the events.

local apivideo = require "apivideo"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"

local count = 0
local handlers = apivideo.handlers():on(arg[2], function() count = count + 1 end)
local listening = assert(server.listen { receiver = apivideo.receiver { handlers = handlers, secrets = arg[1] } })
io.write(listening.port, "\n")
io.flush()
runtime.watch(0, function() os.exit(0) end)
runtime.run()
