--- Many deliveries of one event at the same time: exactly one is new.

local redis_server = require "spec.crash.redis_server"
local storm = require "spec.crash.storm"

local COPIES, EVENTS = 200, 5

local function send_copies(settings)
  local self = storm.new(settings)
  self:serve()
  self:serve()
  self:add("worker", { steady = true })
  for _ = 1, EVENTS do self.sender:send(COPIES) end
  local acknowledged = self.sender.statuses[204]
  if acknowledged ~= COPIES * EVENTS then
    self:problem("harness", ("%d of %d deliveries got a 204 response"):format(acknowledged or 0, COPIES * EVENTS))
  end
  self:note(("%d deliveries got a response"):format(acknowledged or 0))
  self:finish()
  return self
end

return function(add)
  add("sqlite: two hundred copies of an event", function(directory)
    return send_copies { directory = directory, store = "sqlite" }
  end)

  add("redis: two hundred copies of an event", function(directory)
    local server = redis_server.start(directory)
    local self = send_copies { directory = directory, store = "redis", port = server.port }
    server:crash()
    return self
  end)
end
