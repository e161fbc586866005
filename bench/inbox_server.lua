--- A standalone server with a receiver of bench/inbox_app.lua. Arguments: its kind and place. Prints its port, and
--- ends at the end of its input.

local apivideo = require "apivideo"
local app = require "bench.inbox_app"
local server = require "apivideo.server"

local listening = assert(server.listen { receiver = app.new(arg[1], arg[2], arg[3]) })
app.start()
io.write(listening.port, "\n")
io.flush()
require("apivideo.runtime").watch(0, function() os.exit(0) end)
apivideo.run()
