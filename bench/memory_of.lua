--- What many of something hold in a process of their own: prints the bytes of one. arg[1] is what of;
--- arg[2] the URL of a server that answers every GET.

local apivideo = require "apivideo"
local cjson = require "cjson"
local resident = require "bench.resident"

local PATH = "/webhooks/webhook_XXXXXXXXXXXXXXX"
local kind, url = arg[1], arg[2]

-- What grows while `fill` runs; what it returns is kept until then.
local function growth(fill)
  collectgarbage()
  collectgarbage()
  local before = resident()
  local kept = fill()
  collectgarbage()
  collectgarbage()
  return resident() - before, kept
end

local function new_client()
  local client = apivideo.client { api_key = "key", base_url = url }
  assert(client:request("GET", PATH))
  return client
end

local measures = {}

-- Clients that have made a call.
function measures.client()
  local COUNT = 1000
  local warm = new_client()
  local bytes = growth(function()
    local clients = { warm }
    for i = 1, COUNT do clients[i] = new_client() end
    return clients
  end)
  return bytes / COUNT
end

-- Calls that wait for their answers, each in its task.
function measures.transfer()
  local COUNT = 200
  local client = new_client()
  local done = 0
  local bytes = growth(function()
    for _ = 1, COUNT do
      apivideo.spawn(function()
        assert(client:request("GET", PATH))
        done = done + 1
      end)
    end
    apivideo.sleep(0.2)
    assert(done == 0, "the server answered too early")
  end)
  while done < COUNT do apivideo.sleep(0.01) end
  return bytes / COUNT
end

-- Events of an inbox in memory, which are 188 bytes each.
function measures.event()
  local COUNT = 20000
  local inbox = apivideo.inbox { store = require "apivideo.inbox.memory" () }
  local receiver = apivideo.receiver { inbox = inbox, secrets = "sig_sec_0" }
  local event = apivideo.events:sample "video.caption.generated"
  local bytes = growth(function()
    for i = 1, COUNT do
      event.captionId = ("caption_%016d"):format(i)
      local body = cjson.encode(event)
      local status = receiver:receive { method = "POST", body = body,
        headers = { ["X-Api-Video-Signature"] = apivideo.sign(body, "sig_sec_0") } }
      assert(status == 204)
    end
    return inbox
  end)
  return bytes / COUNT
end

print(("%.0f"):format(measures[kind]()))
