-- The app.lua of a Lapis application. The receiver reads the body and runs the handlers; Lapis sends the response.

local apivideo = require "apivideo"
local lapis = require "lapis"

local app = lapis.Application()
local handlers = apivideo.handlers():on("video.caption.generated", function(event)
  print(("video %s has captions in %s"):format(event.videoId, event.language))
end)
local receiver = apivideo.receiver { handlers = handlers, secrets = os.getenv "WEBHOOK_SECRET" }

app:post("/webhooks", function()
  return { status = receiver:nginx { respond = false }, layout = false }
end)

return app
