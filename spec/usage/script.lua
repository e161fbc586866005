-- A receiver on a port of this machine, until Ctrl-C: WEBHOOK_SECRET=sig_sec_… PORT=8080 lua script.lua

local apivideo = require "apivideo"

io.stdout:setvbuf "line" -- also for a log file

local handlers = apivideo.handlers()
handlers:on("video.encoding.quality.completed", { encoding = "mp4" }, function(event)
  print(("video %s is ready as %s"):format(event.videoId, event.quality))
end)
handlers:on("live-stream.*", function(event) print(event.type, event.liveStreamId) end)

assert(apivideo.server.serve {
  port = tonumber(os.getenv "PORT"),
  receiver = apivideo.receiver { handlers = handlers, secrets = os.getenv "WEBHOOK_SECRET" },
})
