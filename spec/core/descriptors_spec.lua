-- When a process starts without standard descriptors, the next descriptors that it opens would get their numbers.

local process = require "spec.support.process"

local CLOSED = [[sh -c 'exec "$@" <&- >&- 2>&-' sh]]

local openers = {
  ["a pool of connections"] = [[local opened = assert(require("apivideo.core").http.new())]],
  ["a server"] = [[local opened = assert(require("apivideo.server.core").new("127.0.0.1", 0, 1000, 30, 10))]],
  ["a connection to Redis"] = [[local opened = assert(require("apivideo.redis.core").connect {
    host = "127.0.0.1", port = 9, reply_max = 1000 })]],
  ["a thread that wakes"] = [[ -- absent with make check-poll
    local core = require "apivideo.core"
    local opened = core.wake.new() or core.http.new()]],
  ["a catcher of signals"] = [[local opened = assert(require("apivideo.core").signals.catch())]],
}

describe("a process that starts without standard descriptors #process", function()
  for what, code in pairs(openers) do
    it("does not give their numbers to " .. what, function()
      local _, status = process.run({ "-e", code .. [[

        local lfs = require "lfs"
        for fd = 0, 2 do
          if lfs.attributes("/proc/self/fd/" .. fd, "mode") ~= "char device" then os.exit(10 + fd) end
        end
        opened:close()
        os.exit(0)]] }, CLOSED)
      assert.equal(0, status)
    end)
  end
end)
