--- A receiver and workers in several processes, on one or more machines, which share an inbox in Redis.
---
---   APIVIDEO_API_KEY=… lua worker.lua receive      stores the events that arrive at PORT (default 8080)
---   lua worker.lua work                            handles them; start any number of workers
---
--- REDIS_HOST and REDIS_PORT set the address of Redis, by default on this machine; REDIS_USERNAME and REDIS_PASSWORD its
--- user. To be durable, Redis needs the settings `appendonly yes` and `appendfsync always`.

local apivideo = require "apivideo"
local redis = require "apivideo.inbox.redis"

local inbox = apivideo.inbox {
  store = redis {
    host = os.getenv "REDIS_HOST", port = tonumber(os.getenv "REDIS_PORT" or 6379),
    username = os.getenv "REDIS_USERNAME", password = os.getenv "REDIS_PASSWORD",
  },
  -- The events of one video or live stream are handled one at a time, in the order of receipt.
  lane = function(event) return event.videoId or event.liveStreamId end,
}

io.stdout:setvbuf "line"

local function receive()
  local client = apivideo.client {
    api_key = os.getenv "APIVIDEO_API_KEY",
    environment = "sandbox",
    base_url = os.getenv "APIVIDEO_BASE_URL", -- for a test with a local api.video
  }
  local listening = assert(require("apivideo.server").listen {
    port = tonumber(os.getenv "PORT" or 8080),
    receiver = apivideo.receiver { inbox = inbox, secrets = client.webhooks:secret_source() },
  })
  print(("Listening on %s."):format(listening.url))
  assert(listening:run())
end

local function work()
  local handlers = apivideo.handlers()
  handlers:on("video.*", function(event, delivery)
    print(("%s of %s, attempt %d"):format(event.type, event.videoId, delivery.attempt))
    apivideo.sleep(0.2) -- stands for real work; the events of other videos are handled at the same time
    print(("%s is done"):format(delivery.key))
  end)
  handlers:on("live-stream.*", function(event, delivery)
    print(("%s of %s, attempt %d"):format(event.type, event.liveStreamId, delivery.attempt))
  end)
  print "Working."
  -- Ctrl-C and SIGTERM end it after the events that are being handled now.
  assert(inbox:work(handlers, { concurrency = 10, lease = 5, signals = true }))
end

local modes = { receive = receive, work = work }
local mode = modes[arg[1]]
if not mode then
  io.stderr:write("usage: lua worker.lua receive|work\n")
  os.exit(2)
end
apivideo.run(mode)
