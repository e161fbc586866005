--- All cases of `make test-missed`: 2,000 videos and 200 live streams in ten minutes, fewer in less; and faults that must
--- be noticed.

local hunt = require "spec.missed.hunt"
local redis_server = require "spec.crash.redis_server"

local LIMIT = 60         -- seconds until all effects exist
local CONTROL_SECONDS = 12

-- The sizes of an account that is used for some seconds.
local function sizes_for(seconds)
  return { videos = math.ceil(seconds * 10 / 3), streams = math.ceil(seconds / 3), broadcasts = 3, give_up = 120,
    limit = LIMIT }
end

local CONTROL = { videos = 40, streams = 4, broadcasts = 1, give_up = 4, limit = 5 }

local expected = { no_reconcile = "lost", early_cursor = "lost", other_keys = "doubled" }

return function(add, seconds)
  add("sqlite: deliveries are lost, receiver and workers are killed", function(directory)
    return hunt.run({ directory = directory, store = "sqlite" }, sizes_for(seconds), seconds)
  end)

  add("redis: deliveries are lost, receiver and workers are killed", function(directory)
    local server = redis_server.start(directory)
    local self = hunt.run({ directory = directory, store = "redis", port = server.port }, sizes_for(seconds / 2),
      seconds / 2)
    server:crash()
    return self
  end)

  for fault, problem in pairs(expected) do
    add("control: " .. fault, function(directory)
      return hunt.run({ directory = directory, store = "sqlite", fault = fault }, CONTROL, CONTROL_SECONDS)
    end, problem)
  end
end
