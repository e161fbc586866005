-- testing.drain: the attempts that are due, without a worker that runs on.

local apivideo = require "apivideo"
local log = require "apivideo.runtime.log"
local misuse = require "spec.support.misuse"
local testing = require "apivideo.testing"

local RECORDED, SECRET = "video.source.recorded", "sig_sec_of_a_test"

describe("testing.drain", function()
  local inbox, store, receiver, seen, logged, warn, error_of_log

  before_each(function()
    store, seen, logged = testing.store(), {}, {}
    inbox = apivideo.inbox { store = store }
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
    warn, error_of_log = log.warn, log.error
    log.warn = function(text) logged[#logged + 1] = text end
    log.error = log.warn
  end)

  after_each(function() log.warn, log.error = warn, error_of_log end)

  -- Stores an event of a video.
  local function put(id)
    assert.equal(204, (receiver:receive(testing.delivery(RECORDED, { videoId = id }, SECRET))))
  end

  -- Handlers that fail `failures` times in all.
  local function new_handlers(failures)
    return apivideo.handlers():on(RECORDED, function(event, delivery)
      seen[#seen + 1] = ("%s %d"):format(event.videoId, delivery.attempt)
      if #seen <= failures then return nil, "the disk is full" end
    end)
  end

  it("handles all events that are ready, and returns the number of attempts", function()
    put "vi1"
    put "vi2"
    assert.equal(2, testing.drain(inbox, new_handlers(0)))
    assert.same({ "vi1 1", "vi2 1" }, seen)
    assert.equal(2, inbox:stats().done)
    assert.equal(0, testing.drain(inbox, new_handlers(0)))
    assert.same({}, logged)
  end)

  it("retries an event only once its backoff is over", function()
    local handlers = new_handlers(1)
    put "vi1"
    assert.equal(1, testing.drain(inbox, handlers))
    assert.equal(0, testing.drain(inbox, handlers))
    testing.clock:advance(5)
    assert.equal(1, testing.drain(inbox, handlers))
    assert.same({ "vi1 1", "vi1 2" }, seen)
  end)

  it("takes the options of inbox:work, and runs in a task, too", function()
    apivideo.run(function()
      put "vi1"
      local handlers = new_handlers(9)
      assert.equal(1, testing.drain(inbox, handlers, { concurrency = 3, backoff = 60 }))
      testing.clock:advance(29)
      assert.equal(0, testing.drain(inbox, handlers))
      testing.clock:advance(31)
      assert.equal(1, testing.drain(inbox, handlers))
    end)
  end)

  it("handles what the handlers put, and waits for handlers that wait", function()
    local handlers = apivideo.handlers():on(RECORDED, function(event)
      apivideo.sleep(0.001)
      seen[#seen + 1] = event.videoId
      if event.videoId == "vi1" then put "vi2" end
    end)
    put "vi1"
    assert.equal(2, testing.drain(inbox, handlers))
    assert.same({ "vi1", "vi2" }, seen)
  end)

  it("returns an error while the store is unavailable", function()
    put "vi1"
    store:fail()
    local count, err = testing.drain(inbox, new_handlers(0))
    assert.is_nil(count)
    assert.equal("store_unavailable", err.kind)
  end)

  it("rejects misuse, and says what is wrong", function()
    assert.matches("testing.drain: an inbox expected, from apivideo.inbox", misuse(function()
      local count = testing.drain(store, apivideo.handlers())
      return count
    end), 1, true)
    assert.matches("handlers expected, from apivideo.handlers()", misuse(function()
      local count = testing.drain(inbox, {})
      return count
    end), 1, true)
    for _, name in ipairs { "cancel", "signals" } do
      assert.matches(("testing.drain: option \"%s\" is not possible"):format(name), misuse(function()
        local count = testing.drain(inbox, apivideo.handlers(), { [name] = true })
        return count
      end), 1, true)
    end
  end)
end)
