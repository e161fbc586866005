--- api.video's webhooks in one script: create one, receive its events, list, show, delete.
---
---   lua quickstart.lua                      with a local api.video, on this machine alone
---   APIVIDEO_API_KEY=… PUBLIC_URL=… lua quickstart.lua
---                                           with the real sandbox; PUBLIC_URL must lead to
---                                           PORT (default 8080) of this machine

local apivideo = require "apivideo"
local server = require "apivideo.server"

local api_key, public_url = os.getenv "APIVIDEO_API_KEY", os.getenv "PUBLIC_URL"
local real = api_key ~= nil and public_url ~= nil
if not real and (api_key or public_url) then
  print "(The real sandbox needs both APIVIDEO_API_KEY and PUBLIC_URL: this is the local one.)"
end

local function say(text, ...)
  print(select("#", ...) > 0 and text:format(...) or text)
end

-- What happens when an event arrives.
local handlers = apivideo.handlers()

handlers:on("video.encoding.quality.completed", function(event)
  say("  <- %-34s video %s is ready as %s %s", event.type, event.videoId, event.encoding, event.quality)
end)

handlers:on("live-stream.*", function(event)
  say("  <- %-34s live stream %s, at %s", event.type, event.liveStreamId, event.emittedAt)
end)

handlers:otherwise(function(event)
  say("  <- %-34s video %s", event.type, event.videoId or "?")
end)

-- What is refused never reaches a handler.
local function log(outcome)
  if outcome.err then say("  <- rejected with %d: %s", outcome.status, outcome.err.message) end
end

-- Stands in for api.video: makes each kind of event happen, and somebody forges one.
local function play(emulator, webhook)
  for _, name in ipairs(apivideo.events:names()) do
    emulator:emit(apivideo.events:sample(name))
    emulator:settle(10)
  end
  local sender = require "apivideo.emulator.sender"
  local forged = sender.new { url = webhook.url, webhookId = webhook.webhookId,
    raw = '{"type":"video.source.recorded","videoId":"vi_forged","liveStreamId":"li_forged"}' }
  sender.send(forged, "sig_sec_a_guess", { attempts = 1, interval = 0, timeout = 10 })
end

local function main()
  local emulator
  if not real then
    api_key = "quickstart-key"
    emulator = assert(require("apivideo.emulator").start { api_key = api_key })
    say("A local api.video listens on %s.", emulator.url)
  end

  local client = apivideo.client {
    api_key = api_key,
    environment = "sandbox",
    base_url = emulator and emulator.url,
  }
  local receiver = apivideo.receiver {
    handlers = handlers,
    secrets = client.webhooks:secrets(),
    log = log,
  }
  local listening = assert(server.listen {
    port = real and tonumber(os.getenv "PORT" or 8080) or 0,
    receiver = receiver,
  })
  say("A receiver listens on %s.", listening.url)

  local webhook = assert(client.webhooks:create {
    url = public_url or listening.url .. "/webhooks",
    events = apivideo.events:names(),
  })
  say("\nCreated %s for %d types of events at %s.", webhook.webhookId, #webhook.events, webhook.url)

  if emulator then
    say("\nThe local api.video delivers one of each, and somebody forges one:")
    play(emulator, webhook)
  else
    say("\nUpload a video to the sandbox and watch its events arrive. Ctrl-C goes on from here.")
    assert(listening:run())
  end

  local recorded = "video.source.recorded"
  local second = assert(client.webhooks:create { url = webhook.url, events = { recorded } })
  local page_size = real and 10 or 1
  say("\nCreated another, for %s alone. Those that subscribe to it:", recorded)
  local page = assert(client.webhooks:list { events = recorded, pageSize = page_size })
  say("  page %d of %d: %s", page.pagination.currentPage, page.pagination.pagesTotal,
    page.data[1].webhookId)
  say("All of them, page by page:")
  for hook in client.webhooks:each { pageSize = page_size } do
    say("  %s  %d types  %s", hook.webhookId, #hook.events, hook.url)
  end

  local shown = assert(client.webhooks:get(webhook.webhookId))
  say("\n%s was created at %s.", shown.webhookId, shown.createdAt)

  for _, id in ipairs { webhook.webhookId, second.webhookId } do
    assert(client.webhooks:delete(id))
    say("Deleted %s.", id)
  end
  local _, err = client.webhooks:get(webhook.webhookId)
  say("Asked for it again: %s (%d).", err.kind, err.status)

  listening:stop()
  if emulator then emulator:stop() end
end

apivideo.run(main)
