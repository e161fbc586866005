-- A program with routes of its own, which verifies a delivery in one of them.

local apivideo = require "apivideo"

io.stdout:setvbuf "line"

local routes = {}

function routes.home() return 200, { ["Content-Type"] = "text/plain" }, "It works.\n" end

function routes.webhooks(request)
  local event, delivery, status = apivideo.construct_event(request.body, request.headers, os.getenv "WEBHOOK_SECRET")
  if not event then
    print("rejected: " .. tostring(delivery))
    return status
  end
  print(event.type, event.videoId, delivery.key)
  return 204
end

assert(apivideo.server.serve { port = tonumber(os.getenv "PORT"), handler = function(request)
  return (routes[request.path:match "^/(%w+)$"] or routes.home)(request)
end })
