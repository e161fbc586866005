-- Creates its webhook at each start, unless the account has it, and receives its events.

local apivideo = require "apivideo"

io.stdout:setvbuf "line"

local client = apivideo.client { api_key = os.getenv "APIVIDEO_API_KEY", base_url = os.getenv "APIVIDEO_BASE_URL" }

local handlers = apivideo.handlers()
handlers:on("live-stream.broadcast.started", function(event) print(event.liveStreamId .. " is on air") end)
handlers:on("live-stream.broadcast.ended", function(event) print(event.liveStreamId .. " has ended") end)

local receiver = apivideo.receiver { handlers = handlers, secrets = client.webhooks:secret_source() }
local server = assert(apivideo.server.listen { port = tonumber(os.getenv "PORT"), receiver = receiver })

print(assert(client.webhooks:sync { { url = os.getenv "PUBLIC_URL", events = handlers:types() } }))

assert(server:run())
