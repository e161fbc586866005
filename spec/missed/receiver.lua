-- A receiver process, always with the same URL. It runs until it is killed.

local settings = require "spec.crash.settings"
local apivideo = require "apivideo"
local server = require "apivideo.server"
local stores = require "spec.crash.stores"

local store = stores.open(settings)
local listening = assert(server.listen {
  port = math.floor(settings.listen),
  receiver = apivideo.receiver { inbox = apivideo.inbox { store = store }, secrets = settings.secret },
})
print("url " .. listening.url)
io.stdout:flush()
apivideo.run()
