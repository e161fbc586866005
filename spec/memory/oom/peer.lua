--- The server for the scenarios' requests. Prints its URL, and serves until it receives a signal.

local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local server = require "apivideo.server"

local api
local listening = assert(server.listen {
  handler = function(request)
    if request.path == "/echo" then
      return 200, { ["X-Long"] = ("y"):rep(500) }, cjson.encode { body = request.body, more = ("z"):rep(9000) }
    end
    return require("apivideo.emulator.api").handle(api, request)
  end,
})
api = assert(emulator.start { api_key = "key", rate_limits = { reads = 1e9, writes = 1e9 } })
print(listening.url)
io.stdout:flush()
listening:run()
