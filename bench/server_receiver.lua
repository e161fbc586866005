--- The standalone server that bench/server.lua measures, with one handler. Prints its port, and ends at the end of its
--- input. arg[1] is the secret, arg[2] the event type; without them, it responds 204 to every request.

local apivideo = require "apivideo"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"

local secret, type_name = arg[1], arg[2]

local function receiver()
  local count = 0
  local handlers = apivideo.handlers():on(type_name, function() count = count + 1 end)
  return apivideo.receiver { handlers = handlers, secrets = secret }
end

local listening = assert(server.listen(secret and { receiver = receiver() } or { handler = function() return 204 end }))
io.write(listening.port, "\n")
io.flush()
runtime.watch(0, function() os.exit(0) end)
runtime.run()
