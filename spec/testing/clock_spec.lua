-- The clock of the testing kit: what waits for a time, or expires, does so at once.

local apivideo = require "apivideo"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local running = require "spec.support.running"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"

local RECORDED, SECRET = "video.source.recorded", "sig_sec_of_a_test"
local HOUR_S = 3600

describe("testing.clock", function()
  local clock = testing.clock

  after_each(function()
    clock:reset()
    running.stop()
  end)

  -- A receiver with options, and the deliveries that its handlers got.
  local function new_receiver(options)
    local seen = {}
    options.secrets = SECRET
    options.handlers = apivideo.handlers():otherwise(function(_, delivery) seen[#seen + 1] = delivery end)
    return apivideo.receiver(options), seen
  end

  it("moves both clocks of the library forward", function()
    local now, monotonic = runtime.now(), runtime.monotonic()
    clock:advance(HOUR_S)
    clock:advance(0.5)
    assert.is_true(runtime.now() >= now + HOUR_S + 0.5)
    assert.is_true(runtime.monotonic() >= monotonic + HOUR_S + 0.5)
    assert.is_true(runtime.now() < now + 2 * HOUR_S)
  end)

  it("resets the time of day, but does not set the monotonic clock back", function()
    local now, monotonic = runtime.now(), runtime.monotonic()
    clock:advance(HOUR_S)
    clock:reset()
    assert.is_true(runtime.now() < now + HOUR_S)
    assert.is_true(runtime.monotonic() >= monotonic + HOUR_S)
  end)

  it("makes a delivery old, by the option freshness", function()
    local receiver, seen = new_receiver { freshness = { max_age = 300, action = "flag" } }
    local delivery = testing.delivery(RECORDED, nil, SECRET)
    clock:advance(290)
    assert.equal(204, (receiver:receive(delivery)))
    clock:advance(11)
    assert.equal(204, (receiver:receive(delivery)))
    assert.same({ nil, true }, { seen[1].stale, seen[2].stale })
    assert.equal(204, (receiver:receive(testing.delivery(RECORDED, nil, SECRET))))
    assert.is_nil(seen[3].stale)
  end)

  it("ends the ttl of the option dedupe", function()
    local receiver, seen = new_receiver { dedupe = { ttl = HOUR_S } }
    local delivery = testing.delivery(RECORDED, nil, SECRET)
    for _ = 1, 2 do assert.equal(204, (receiver:receive(delivery))) end
    assert.equal(1, #seen)
    clock:advance(HOUR_S)
    assert.equal(204, (receiver:receive(delivery)))
    assert.equal(2, #seen)
  end)

  it("ends the backoff of a worker's event", function()
    local inbox = apivideo.inbox { store = apivideo.inbox.memory() }
    local receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
    local attempts, cancel, log = 0, apivideo.cancellation(), require "apivideo.runtime.log"
    local warn = log.warn
    log.warn = function() end -- of the failures
    finally(function() log.warn = warn end)
    local handlers = apivideo.handlers():on(RECORDED, function()
      attempts = attempts + 1
      if attempts == 1 then return nil, "the disk is full" end
      cancel:cancel()
    end)
    receiver:receive(testing.delivery(RECORDED, nil, SECRET))
    apivideo.run(function()
      apivideo.spawn(function()
        wait_for(function() return attempts == 1 and inbox:stats().waiting == 1 end, "the first attempt")
        clock:advance(HOUR_S)
      end)
      assert(inbox:work(handlers, { cancel = cancel, backoff = HOUR_S / 2 }))
    end)
    assert.equal(2, attempts)
  end)

  it("ends sleeps and timeouts of tasks, in their order", function()
    local order = {}
    local function sleeper(name, seconds)
      apivideo.sleep(seconds)
      order[#order + 1] = name
    end
    apivideo.run(function()
      apivideo.spawn(sleeper, "second", 2 * HOUR_S)
      apivideo.spawn(sleeper, "first", HOUR_S)
      apivideo.spawn(sleeper, "later", 9 * HOUR_S)
      apivideo.sleep(0)
      clock:advance(2 * HOUR_S)
      wait_for(function() return #order >= 2 end, "the sleeping tasks")
      assert.same({ "first", "second" }, order)
      clock:advance(7 * HOUR_S) -- no task stays for the next spec
      wait_for(function() return #order == 3 end, "the last task")
    end)
  end)

  it("ends the interval between two attempts of the local api.video", function()
    local api = running.emulator { interval = HOUR_S }
    local peer = running.responding("500 X", "Content-Length: 0\r\nConnection: close\r\n", "")
    local client = apivideo.client { api_key = "key", base_url = api.url }
    assert(client.webhooks:create { url = peer.url, events = { RECORDED } })
    local delivery = api:emit(apivideo.events:sample(RECORDED))[1]
    for attempt = 1, 3 do
      wait_for(function() return #delivery.attempts == attempt end, "an attempt")
      clock:advance(HOUR_S)
    end
    assert.is_true(api:settle(60))
    assert.equal("failed", delivery.state)
  end)

  it("rejects misuse, and says what is wrong", function()
    for _, seconds in ipairs { -1, 0 / 0, "1" } do
      assert.matches("clock:advance: seconds must be a number of seconds", misuse(function()
        clock:advance(seconds)
      end), 1, true)
    end
    assert.matches("clock:advance(…)", misuse(function() clock.advance(5) end), 1, true)
    assert.matches("clock:reset(…)", misuse(function() clock.reset() end), 1, true)
  end)
end)
