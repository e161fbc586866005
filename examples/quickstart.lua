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
local LOCAL_KEY = "quickstart-key"
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

local function start_emulator(key)
  return assert(require("apivideo.emulator").start { api_key = key, max_attempts = 1 })
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

local function new_client(emulator)
  return apivideo.client {
    api_key = emulator and LOCAL_KEY or api_key,
    environment = "sandbox",
    base_url = emulator and emulator.url,
  }
end

local function start_receiver(client)
  local receiver = apivideo.receiver {
    handlers = handlers,
    secrets = client.webhooks:secret_source(),
  }
  local listening = assert(server.listen {
    port = is_sandbox and tonumber(os.getenv "PORT" or 8080) or 0,
    receiver = receiver,
  })
  say("A receiver listens on %s.", listening.url)
  return listening
end

local function receive_events(emulator, listening, webhook)
  if emulator then
    say("\nThe local api.video sends one event of each type; then comes a forged delivery:")
    emit_samples(emulator)
    send_forged(webhook.url)
  else
    say("\nUpload a video to the sandbox, and its events will arrive. Press Ctrl-C to continue.")
    assert(listening:run())
  end
end

local function list_webhooks(client, event_type)
  local page_size = is_sandbox and 10 or 1
  say("The webhooks that subscribe to %s:", event_type)
  local page = assert(client.webhooks:list { events = event_type, pageSize = page_size })
  say("  page %d of %d: %s", page.pagination.currentPage, page.pagination.pagesTotal,
    page.data[1].webhookId)
  say("All webhooks, page by page:")
  for webhook in client.webhooks:each { pageSize = page_size } do
    local types = #webhook.events == 1 and "1 type" or #webhook.events .. " types"
    say("  %s  %s  %s", webhook.webhookId, types, webhook.url)
  end
end

local function delete_webhook(client, id)
  assert(client.webhooks:delete(id))
  local _, err = client.webhooks:get(id)
  say("Deleted %s. Getting it fails now: %s (%d).", id, err.kind, err.status)
end

local function main()
  local emulator = not is_sandbox and start_emulator(LOCAL_KEY) or nil
  if emulator then say("A local api.video listens on %s.", emulator.url) end
  local client = new_client(emulator)
  local listening = start_receiver(client)

  local webhook = assert(client.webhooks:create {
    url = public_url or listening.url .. "/webhooks",
    events = apivideo.events:names(),
  })
  say("\nCreated %s for %d event types at %s.", webhook.webhookId, #webhook.events, webhook.url)
  receive_events(emulator, listening, webhook)

  local recorded = "video.source.recorded"
  local second = assert(client.webhooks:create { url = webhook.url, events = { recorded } })
  say("\nCreated another, %s, for %s only.", second.webhookId, recorded)
  list_webhooks(client, recorded)

  local found = assert(client.webhooks:get(webhook.webhookId))
  say("\n%s was created at %s.", found.webhookId, found.createdAt)
  delete_webhook(client, webhook.webhookId)
  delete_webhook(client, second.webhookId)

  listening:stop()
  if emulator then emulator:stop() end
end

apivideo.run(main)
