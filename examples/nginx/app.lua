--- An application for nginx. nginx.conf loads this module once, and its locations use the functions it returns.

local apivideo = require "apivideo"

local shared = assert(ngx.shared.apivideo, "nginx.conf has no lua_shared_dict apivideo")

local client = apivideo.client {
  api_key = os.getenv "APIVIDEO_API_KEY",
  environment = "sandbox",
  base_url = os.getenv "APIVIDEO_BASE_URL",      -- for a test with a local api.video
  rate_limit = { store = shared },  -- one limit for all workers
}

local handlers = apivideo.handlers()

local function note(...)
  ngx.log(ngx.NOTICE, "<- ", string.format(...))
end

handlers:on("video.encoding.quality.completed", function(event)
  note("%s: video %s is ready as %s %s", event.type, event.videoId, event.encoding, event.quality)
end)

-- A handler may wait for api.video, a database or another service. nginx serves other requests in that time.
handlers:on("video.source.recorded", function(event)
  local video, err = client.videos:get(event.videoId)
  note("%s: video %s, %s", event.type, event.videoId, video and video.title or err.kind)
end)

handlers:on("live-stream.*", function(event)
  note("%s: live stream %s", event.type, event.liveStreamId)
end)

handlers:otherwise(function(event)
  note("%s: video %s", event.type, event.videoId or "?")
end)

local app = {}

app.receiver = apivideo.receiver {
  handlers = handlers,
  secrets = client.webhooks:secret_source { store = shared }, -- each secret is fetched once for all workers
  metrics = apivideo.metrics { store = shared },
  health = "/health",               -- for a load balancer's health checks
}

--- Responds with the account's webhooks, one per line.
function app.subscriptions()
  local list, err = client.webhooks:list()
  if not list then
    ngx.log(ngx.ERR, tostring(err))
    return ngx.exit(502)
  end
  for _, webhook in ipairs(list.data) do ngx.say(webhook.webhookId, " ", webhook.url) end
end

return app
