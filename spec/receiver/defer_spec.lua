-- A receiver that responds before its handlers run.

local apivideo = require "apivideo"
local http = require "apivideo.transport.http"
local published = require "spec.support.published"
local runtime = require "apivideo.runtime"
local socket = require "socket"
local wait_for = require "spec.support.wait"

local SECRET, ID, RAW, HEX = published.SECRET, published.ID, published.RAW, published.HEX
local request = published.request

describe("receiver", function()
  local outcomes, handlers

  before_each(function() outcomes, handlers = {}, apivideo.handlers() end)

  local function new(more) return published.receiver(handlers, outcomes, more) end

  describe("that defers its handlers", function()
    -- Runs in a task, until all tasks have ended.
    local function receive(receiver, r)
      local status
      apivideo.run(function() status = receiver:receive(r) end)
      assert.is_nil(next(outcomes))
      apivideo.run()
      return status
    end

    it("returns the response before they run", function()
      local receiver = new { secrets = SECRET, defer = true }
      local seen
      handlers:on("*", function(event, delivery)
        apivideo.sleep(0)
        seen = delivery.raw == RAW and event.videoId
      end)
      assert.equal(204, receive(receiver, request()))
      assert.equal("vi0000000000000000000000", seen)
      assert.equal(1, #outcomes)
      assert.equal(204, outcomes[1].status)
      assert.equal(1, outcomes[1].handled)
      assert.truthy(receiver:metrics():find('handled_total{type="video.encoding.quality.completed"} 1', 1, true))
    end)

    it("sends the response before they run: they may block", function()
      local listening = assert(require("apivideo.server").listen { receiver = new { secrets = SECRET, defer = true } })
      local connection, status_line = assert(socket.connect(listening.host, listening.port)), nil
      handlers:on("*", function()
        connection:settimeout(10)
        status_line = connection:receive "*l"
      end)
      assert(connection:send(("POST / HTTP/1.1\r\nHost: x\r\nX-Api-Video-WebhookID: %s\r\nX-Api-Video-Signature: %s\r\n"
        .. "Content-Length: %d\r\n\r\n%s"):format(ID, HEX, #RAW, RAW)))
      wait_for(function() return #outcomes == 1 end, "the handler")
      connection:close()
      listening:stop()
      assert.equal("HTTP/1.1 204 No Content", status_line)
    end)

    it("logs those that fail", function()
      handlers:on("*", function() error("it broke", 0) end)
      local receiver = new { secrets = SECRET, defer = true }
      assert.equal(204, receive(receiver, request()))
      assert.same({ "it broke" }, outcomes[1].errors)
      assert.equal(204, outcomes[1].status)
      assert.truthy(receiver:metrics():find('failed_total{type="video.encoding.quality.completed"} 1', 1, true))
    end)

    it("rejects an invalid delivery at once", function()
      local receiver = new { secrets = SECRET, defer = true }
      assert.equal(401, (receiver:receive(request { body = "x" })))
      assert.equal(1, #outcomes)
    end)

    it("runs all of them while the server continues", function()
      local gate, seen = runtime.latch(), 0
      handlers:on("*", function()
        gate:wait()
        seen = seen + 1
      end)
      local listening = assert(require("apivideo.server").listen {
        receiver = new { secrets = SECRET, defer = true } })
      for _ = 1, 3 do
        local response = assert(http.request { method = "POST", url = listening.url, body = RAW,
          headers = { "X-Api-Video-WebhookID: " .. ID, "X-Api-Video-Signature: " .. HEX } })
        assert.equal(204, response.status)
      end
      assert.equal(0, seen)
      gate:open()
      listening:stop()
      apivideo.run()
      assert.equal(3, seen)
    end)
  end)
end)
