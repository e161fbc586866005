--- The servers for the scenarios' requests. Prints the URL of one, and the port of one that sends a reply of Redis's
--- protocol to each command; serves until it receives a signal.

local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local resp = require "spec.support.resp"
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
print(resp.sending("*3\r\n$3\r\nabc\r\n*2\r\n:1\r\n+x\r\n-ERR no\r\n").port)
io.stdout:flush()
listening:run()
