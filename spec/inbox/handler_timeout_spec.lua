-- The time limit of handlers, measured: of those that wait for ever, and of those that never yield.

local apivideo = require "apivideo"
local file = require "spec.support.file"
local inboxes = require "spec.support.inboxes"
local process = require "spec.support.process"
local runtime = require "apivideo.runtime"
local socket = require "socket"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local LIMIT_S = 0.3
local SLACK_S = 2 -- a third of the limit until the check, and a busy machine

describe("option handler_timeout of inbox:work", function()
  before_each(working.start)
  after_each(working.stop)

  -- A server that accepts connections and never responds.
  local function silent_server()
    local server = assert(socket.bind("127.0.0.1", 0))
    return server, (select(2, server:getsockname()))
  end

  local waits = {
    ["apivideo.sleep"] = function() apivideo.sleep(1e9) end,
    ["a wait for another task"] = function() runtime.latch():wait() end,
    ["apivideo.parallel"] = function() apivideo.parallel(2, { 1, 2 }, function() apivideo.sleep(1e9) end) end,
    ["a call of the client"] = function(port)
      apivideo.client { api_key = "key", base_url = "http://127.0.0.1:" .. port, timeout = 86400,
        total_timeout = 86400, rate_limit = false }
        .videos:list()
    end,
  }

  for name, wait in pairs(waits) do
    it("ends the attempt of a handler that waits for ever: " .. name, function()
      local server, port = silent_server()
      finally(function() server:close() end)
      working.handlers:on("video.*", function(event)
        if event.captionId == "a" then wait(port) end
      end)
      working.deliver(inboxes.caption "a")
      local started, ended = runtime.monotonic(), nil
      inboxes.printed_by(function()
        ended = working.work { handler_timeout = LIMIT_S, max_attempts = 1 }
        working.wait_until("dead", 1)
        local seconds = runtime.monotonic() - started
        assert.is_true(seconds >= LIMIT_S and seconds < LIMIT_S + SLACK_S, seconds)
        working.deliver(inboxes.caption "b")
        working.wait_until("done", 1) -- another task has replaced the blocked one
      end)
      working.cancel:cancel()
      assert.is_true(ended:wait(5))
    end)
  end

  it("ends no handler that never yields: another process gets the event after the lease #process", function()
    local path, lease = os.tmpname(), 0.5
    file.write(path, ([[
      local apivideo = require "apivideo"
      local inbox = apivideo.inbox { store = require "apivideo.inbox.sqlite" { path = %q } }
      local event = apivideo.events:sample "video.source.recorded"
      assert(inbox:put { event = event, raw = require("cjson").encode(event) })
      inbox:work(apivideo.handlers():on("*", function()
        io.stdout:write("looping\n")
        io.stdout:flush()
        while true do end
      end), { lease = %s, handler_timeout = 0.1 })
    ]]):format(path .. ".db", "0.5"))
    local looping = process.start { path }
    finally(function()
      looping:kill "KILL"
      looping:finish()
      for _, ending in ipairs { "", ".db", ".db-wal", ".db-shm" } do os.remove(path .. ending) end
    end)
    looping:wait_for "looping"
    local started = runtime.monotonic()
    local inbox = apivideo.inbox { store = sqlite { path = path .. ".db" } }
    local attempts, cancel = {}, working.cancel
    apivideo.spawn(function()
      inbox:work(apivideo.handlers():on("*", function(_, delivery)
        attempts[#attempts + 1] = delivery.attempt
        cancel:cancel()
      end), { cancel = cancel })
    end)
    wait_for(function() return attempts[1] end, "the second attempt")
    assert.equal(2, attempts[1])
    assert.is_true(runtime.monotonic() - started >= lease - 0.1)
    wait_for(function() return inbox:stats().done == 1 end, "its end")
    inbox:close()
  end)

  it("is not reached by one that blocks for less than the lease, and its result counts", function()
    working.handlers:on("video.*", function()
      local ends = runtime.monotonic() + 0.4
      while runtime.monotonic() < ends do end
    end)
    working.deliver(inboxes.caption "a")
    working.work { handler_timeout = 0.1, lease = 30 }
    working.wait_until("done", 1)
    assert.equal("completed", working.settlements[1].disposition)
    assert.is_true(working.settlements[1].seconds >= 0.4)
  end)
end)
