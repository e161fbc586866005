--- A standalone server that bench/server.lua measures: server_receiver.lua SECRET TYPE KIND. It has a receiver with one
--- handler; or a function: of the kind "floor", one that only verifies, parses and responds 204; of the kind "called",
--- one that calls the receiver. Prints its port, and ends at the end of its input.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"

local secret, type_name, kind = arg[1], arg[2], arg[3]

local options = {}

function options.receiver()
  local count = 0
  local handlers = apivideo.handlers():on(type_name, function() count = count + 1 end)
  return { receiver = apivideo.receiver { handlers = handlers, secrets = secret } }
end

function options.called()
  local receiver = options.receiver().receiver
  return { handler = function(request) return (receiver:receive(request)) end }
end

function options.floor()
  local verify, parse = core.signature.verify, core.event.compile(apivideo.events.types)
  return { handler = function(request)
    local body, headers = request.body, request.headers
    assert(headers["x-api-video-webhookid"] and verify(body, headers["x-api-video-signature"], secret))
    assert(parse(body))
    return 204
  end }
end

local listening = assert(server.listen(options[kind]()))
io.write(listening.port, "\n")
io.flush()
runtime.watch(0, function() os.exit(0) end)
runtime.run()
