-- The events of two accounts, each with a path of its own: /production and /sandbox.

local apivideo = require "apivideo"

io.stdout:setvbuf "line"

local function receiver(name)
  local client = apivideo.client { environment = name, api_key = os.getenv(name:upper() .. "_KEY"),
    base_url = os.getenv(name:upper() .. "_URL") } -- for a test with a local api.video
  local handlers = apivideo.handlers():otherwise(function(event) print(name, event.type, event.videoId) end)
  return apivideo.receiver { handlers = handlers, secrets = client.webhooks:secret_source() }
end

local receivers = { ["/production"] = receiver "production", ["/sandbox"] = receiver "sandbox" }

assert(apivideo.server.serve { port = tonumber(os.getenv "PORT"), handler = function(request)
  local found = receivers[request.path]
  if not found then return 404 end
  return found:receive(request)
end })
