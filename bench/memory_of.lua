--- Measures the resident memory of one of many objects in this process, and prints it in bytes. arg[1] is their kind,
--- arg[2] the URL of a server that responds to every GET.

local apivideo = require "apivideo"
local cjson = require "cjson"
local resident = require "bench.resident"

local PATH = "/webhooks/webhook_XXXXXXXXXXXXXXX"
local kind, url = arg[1], arg[2]

-- The growth of the process during `fill`. Its result is referenced until the end.
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

-- Clients after one call.
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

-- Calls that wait for their responses, each in a task.
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
    assert(done == 0, "the server responded too early")
  end)
  while done < COUNT do apivideo.sleep(0.01) end
  return bytes / COUNT
end

-- Events of 188 bytes in a memory inbox.
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
