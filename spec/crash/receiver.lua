-- A receiver process: a server with an inbox. It prints its URL, and runs until it is killed.

local settings = require "spec.crash.settings"
local apivideo = require "apivideo"
local events = require "spec.crash.events"
local server = require "apivideo.server"
local stores = require "spec.crash.stores"
local terms = require "spec.crash.terms"

local store, spool = stores.open(settings)
local inbox = apivideo.inbox { store = store, spool = spool, lane = events.lane_of }
local listening = assert(server.listen {
  host = settings.address,
  receiver = apivideo.receiver { inbox = inbox, secrets = terms.SECRET },
})
print("url " .. listening.url)
io.stdout:flush()
apivideo.run()
