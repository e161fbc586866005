--- Creates a webhook, receives its events, then lists, gets and deletes webhooks.
---
---   lua quickstart.lua                      with a local api.video; needs no account and no network
---   APIVIDEO_API_KEY=… PUBLIC_URL=… lua quickstart.lua
---                                           with the sandbox; PUBLIC_URL must forward to
---                                           PORT (default 8080) of this machine

local apivideo = require "apivideo"
local server = require "apivideo.server"

local api_key, public_url = os.getenv "APIVIDEO_API_KEY", os.getenv "PUBLIC_URL"
local is_sandbox = api_key ~= nil and public_url ~= nil
if not is_sandbox and (api_key or public_url) then
  print "(The sandbox needs both APIVIDEO_API_KEY and PUBLIC_URL; using a local api.video.)"
end

local function say(text, ...)
  print(select("#", ...) > 0 and text:format(...) or text)
end

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

-- Rejected deliveries do not reach a handler.
local function log(outcome)
  if outcome.err then say("  <- rejected with %d: %s", outcome.status, outcome.err.message) end
end

local function start_emulator(key)
  return assert(require("apivideo.emulator").start { api_key = key, attempts = 1 })
end

-- Emits an event of each type.
local function emit_samples(emulator)
  for _, name in ipairs(apivideo.events:names()) do
    emulator:emit(apivideo.events:sample(name))
    emulator:settle(10)
  end
end

-- Sends a delivery that is signed with the secret of another account.
local function send_forged(url)
  local other = start_emulator "other-key"
  local client = apivideo.client { api_key = "other-key", base_url = other.url }
  assert(client.webhooks:create { url = url, events = apivideo.events:names() })
  other:emit(apivideo.events:sample "video.source.recorded")
  other:settle(10)
  other:stop()
end

-- Creates another webhook at the same URL, and lists all. Returns the new one.
local function create_and_list(client, url)
  local recorded = "video.source.recorded"
  local second = assert(client.webhooks:create { url = url, events = { recorded } })
  local page_size = is_sandbox and 10 or 1
  say("\nCreated another, for %s only. The webhooks that subscribe to this type:", recorded)
  local page = assert(client.webhooks:list { events = recorded, pageSize = page_size })
  say("  page %d of %d: %s", page.pagination.currentPage, page.pagination.pagesTotal,
    page.data[1].webhookId)
  say("All webhooks, page by page:")
  for hook in client.webhooks:each { pageSize = page_size } do
    say("  %s  %d types  %s", hook.webhookId, #hook.events, hook.url)
  end
  return second
end

-- Deletes webhooks, and gets one of them again.
local function delete(client, ...)
  for _, id in ipairs { ... } do
    assert(client.webhooks:delete(id))
    say("Deleted %s.", id)
  end
  local _, err = client.webhooks:get((...))
  say("Getting a deleted webhook fails: %s (%d).", err.kind, err.status)
end

local function main()
  local emulator
  if not is_sandbox then
    api_key = "quickstart-key"
    emulator = start_emulator(api_key)
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
    port = is_sandbox and tonumber(os.getenv "PORT" or 8080) or 0,
    receiver = receiver,
  })
  say("A receiver listens on %s.", listening.url)

  local webhook = assert(client.webhooks:create {
    url = public_url or listening.url .. "/webhooks",
    events = apivideo.events:names(),
  })
  say("\nCreated %s for %d event types at %s.", webhook.webhookId, #webhook.events, webhook.url)

  if emulator then
    say("\nThe local api.video sends one event of each type; then comes a forged delivery:")
    emit_samples(emulator)
    send_forged(webhook.url)
  else
    say("\nUpload a video to the sandbox, and its events will arrive. Press Ctrl-C to continue.")
    assert(listening:run())
  end

  local second = create_and_list(client, webhook.url)

  local found = assert(client.webhooks:get(webhook.webhookId))
  say("\n%s was created at %s.", found.webhookId, found.createdAt)

  delete(client, webhook.webhookId, second.webhookId)

  listening:stop()
  if emulator then emulator:stop() end
end

apivideo.run(main)
