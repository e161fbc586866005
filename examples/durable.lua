--- A receiver with a durable inbox: each event is stored in a file before the response, and handled from there.
---
---   lua durable.lua            with a local api.video; needs no account and no network
---   lua durable.lua FILE       with the inbox in FILE; default: inbox.db in the current directory
---   APIVIDEO_API_KEY=… PUBLIC_URL=… lua durable.lua
---                              with the sandbox; PUBLIC_URL must forward to
---                              PORT (default 8080) of this machine
---
--- Kill it at any time, also with kill -9, and start it again: it handles the events that are left in the file, and
--- detects duplicates. Ctrl-C ends it after the current event.

local apivideo = require "apivideo"
local server = require "apivideo.server"
local sqlite = require "apivideo.inbox.sqlite"

local api_key, public_url = os.getenv "APIVIDEO_API_KEY", os.getenv "PUBLIC_URL"
local is_sandbox = api_key ~= nil and public_url ~= nil
if not is_sandbox and (api_key or public_url) then
  print "(The sandbox needs both APIVIDEO_API_KEY and PUBLIC_URL; using a local api.video.)"
end

io.stdout:setvbuf "line" -- kill -9 must not lose buffered lines

local function say(text, ...)
  print(select("#", ...) > 0 and text:format(...) or text)
end

local path = arg and arg[1] or "inbox.db"
local inbox = apivideo.inbox { store = sqlite { path = path } }
assert(inbox:open()) -- a program that cannot store events must not receive them

-- Delivery is at least once: an event may be handled again after a crash. If the work is not idempotent, use
-- delivery.key to do it once.
local handlers = apivideo.handlers()
handlers:on("*", function(event, delivery)
  say("  <- %s, attempt %d", event.type, delivery.attempt)
  apivideo.sleep(0.5) -- stands for real work
  say("     %s is done", event.type)
end)

-- Prints each delivery; the log has the rejections. The response is sent before a handler runs.
local function print_outcome(outcome)
  if outcome.err then return end
  say("  -> %s %s", outcome.event.type, outcome.is_new and "is stored" or "is a duplicate")
end

local function main()
  local emulator
  if not is_sandbox then
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
    port = is_sandbox and tonumber(os.getenv "PORT" or 8080) or 0,
    receiver = apivideo.receiver {
      inbox = inbox,
      secrets = client.webhooks:secret_source(),
      on_outcome = print_outcome,
    },
  })
  say("A receiver listens on %s. Its inbox is %s.", listening.url, path)
  assert(client.webhooks:sync { { url = public_url or listening.url, events = apivideo.events:names() } })

  if emulator then -- the samples are the same in each run, so the second run sends duplicates
    for _, name in ipairs(apivideo.events:names()) do emulator:emit(apivideo.events:sample(name)) end
  end

  local stop = apivideo.cancellation()
  apivideo.spawn(function()
    assert(listening:run()) -- until Ctrl-C
    stop:cancel()
  end)
  -- After the lease, the events that a killed process had claimed are handled again.
  inbox:work(handlers, { lease = 5, cancel = stop })

  local stats = assert(inbox:stats())
  say("In the inbox: %d waiting, %d done.", stats.waiting, stats.done)
  inbox:close()
  if emulator then emulator:stop() end
end

apivideo.run(main)
