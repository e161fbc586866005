--- Events that outlive this process: each is in a file before api.video is answered, and is handled from
--- there.
---
---   lua durable.lua            with a local api.video, on this machine alone
---   lua durable.lua FILE       with its inbox in FILE, instead of inbox.db in the current directory
---   APIVIDEO_API_KEY=… PUBLIC_URL=… lua durable.lua
---                              with the real sandbox; PUBLIC_URL must lead to
---                              PORT (default 8080) of this machine
---
--- Kill it whenever you like, with kill -9 too, and start it again: it goes on with what is in the file,
--- and knows the events that come again. Ctrl-C ends it after the event that is being handled.

local apivideo = require "apivideo"
local server = require "apivideo.server"
local sqlite = require "apivideo.inbox.sqlite"

local api_key, public_url = os.getenv "APIVIDEO_API_KEY", os.getenv "PUBLIC_URL"
local real = api_key ~= nil and public_url ~= nil
if not real and (api_key or public_url) then
  print "(The real sandbox needs both APIVIDEO_API_KEY and PUBLIC_URL: this is the local one.)"
end

io.stdout:setvbuf "line" -- so that kill -9 loses no line

local function say(text, ...)
  print(select("#", ...) > 0 and text:format(...) or text)
end

local path = arg and arg[1] or "inbox.db"
local inbox = apivideo.inbox { store = sqlite { path = path } }

-- An event may be handled twice, though rarely: where that would do harm, do the work once for each
-- delivery.key.
local handlers = apivideo.handlers()
handlers:on("*", function(event, delivery)
  say("  <- %s, attempt %d", event.type, delivery.attempt)
  apivideo.sleep(0.5) -- some work
  say("     %s is done", event.type)
end)

-- What became of each delivery. None of them has waited for a handler.
local function log(outcome)
  if outcome.err then return say("  -> rejected with %d: %s", outcome.status, outcome.err.message) end
  say("  -> %s %s", outcome.event.type, outcome.is_new and "is stored" or "is known")
end

local function main()
  local emulator
  if not real then
    api_key = "durable-key"
    emulator = assert(require("apivideo.emulator").start { api_key = api_key })
    say("A local api.video listens on %s.", emulator.url)
  end

  local client = apivideo.client {
    api_key = api_key,
    environment = "sandbox",
    base_url = emulator and emulator.url,
  }
  local listening = assert(server.listen {
    port = real and tonumber(os.getenv "PORT" or 8080) or 0,
    receiver = apivideo.receiver { inbox = inbox, secrets = client.webhooks:secrets(), log = log },
  })
  say("A receiver listens on %s. Its inbox is %s.", listening.url, path)
  assert(client.webhooks:sync { { url = public_url or listening.url, events = apivideo.events:names() } })

  if emulator then -- one of each, the same ones each time
    for _, name in ipairs(apivideo.events:names()) do emulator:emit(apivideo.events:sample(name)) end
  end

  local ending = apivideo.cancellation()
  apivideo.spawn(function()
    assert(listening:run()) -- until Ctrl-C
    ending:cancel()
  end)
  -- What a killed process had is handled again after the lease.
  inbox:work(handlers, { lease = 5, cancel = ending })

  local stats = assert(inbox:stats())
  say("In the inbox: %d waiting, %d done.", stats.waiting, stats.done)
  inbox:close()
  if emulator then emulator:stop() end
end

apivideo.run(main)
