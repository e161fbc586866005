-- Two programs over one durable inbox: `lua worker.lua receive`, and `lua worker.lua work`, any number of times.

local apivideo = require "apivideo"

io.stdout:setvbuf "line"

local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = os.getenv "INBOX" } }

if arg[1] == "receive" then
  assert(apivideo.server.serve {
    port = tonumber(os.getenv "PORT"),
    receiver = apivideo.receiver { inbox = inbox, secrets = os.getenv "WEBHOOK_SECRET" },
  })
else
  local handlers = apivideo.handlers():otherwise(function(event, delivery)
    print(("%s, attempt %d"):format(event.type, delivery.attempt))
    if delivery.attempt == 1 then return nil, "the disk is full" end -- so that it is retried
  end)
  assert(inbox:work(handlers, { concurrency = 10, backoff = 0.1, signals = true }))
end
