-- Sends a mail for each recording, and no second one when api.video delivers the event again.

local apivideo = require "apivideo"

io.stdout:setvbuf "line"

local handlers = apivideo.handlers():on("video.source.recorded", function(event)
  print("To: editors@example.com, Subject: recorded " .. event.videoId)
end)

assert(apivideo.server.serve {
  port = tonumber(os.getenv "PORT"),
  receiver = apivideo.receiver { handlers = handlers, secrets = os.getenv "WEBHOOK_SECRET", dedupe = { ttl = 600 } },
})
