-- inbox:health, receiver:health and inbox:open.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local testing = require "apivideo.testing"

describe("the health of an inbox", function()
  local store, spool, inbox

  before_each(function()
    store, spool = inboxes.failing(memory()), inboxes.failing(memory())
    inbox = apivideo.inbox { store = store }
  end)

  local function put(id)
    local raw = inboxes.caption(id)
    return assert(inbox:put { event = apivideo.parse(raw), raw = raw })
  end

  it("is ok without a reason", function()
    assert.same({ ok = true, reasons = {} }, inbox:health())
    put "a"
    assert.same({ ok = true, reasons = {} }, inbox:health())
  end)

  it("names a store that does not respond, or fails", function()
    store.down = true
    local health = inbox:health()
    assert.is_false(health.ok)
    assert.same({ store = "the store does not respond: inbox: store_unavailable: no space" }, health.reasons)
    store.down, store.stats = false, function() error "bug" end
    assert.truthy(inbox:health().reasons.store:find("bug", 1, true))
  end)

  it("names a write that has failed, for some minutes, unless one has succeeded since", function()
    local function fail()
      store.down = "disk full"
      assert.is_nil((inbox:put { event = apivideo.parse(inboxes.caption "a"), raw = inboxes.caption "a" }))
      store.down = false
    end
    fail()
    testing.clock:advance(5)
    local health = inbox:health()
    assert.is_false(health.ok)
    assert.matches("the store responds, but its method put failed 5 s ago: .*disk full", health.reasons.store)
    testing.clock:advance(300)
    assert.is_true(inbox:health().ok)
    fail()
    assert.is_false(inbox:health().ok)
    put "a"
    assert.is_true(inbox:health().ok)
    local entry = inbox:claim()[1]
    store.down = true
    assert.is_nil((entry:complete()))
    store.down = false
    assert.matches("its method complete failed 0 s ago", inbox:health().reasons.store, 1, true)
    store.claim = function() return nil, errors.new("store_unavailable", "NOPERM", { origin = "redis" }) end
    assert.is_nil((inbox:claim()))
    local reasons = inbox:health().reasons
    assert.matches("its method complete failed 0 s ago", reasons.store, 1, true)
    assert.matches("its method claim failed 0 s ago: .*NOPERM", reasons.claim)
  end)

  it("names a claim that has failed, at once, unless one has succeeded since or the store does not respond", function()
    store.claim = function() return nil, errors.new("store_unavailable", "NOPERM", { origin = "redis" }) end
    assert.is_nil((inbox:claim()))
    testing.clock:advance(3)
    assert.same({ claim = "the store responds, but its method claim failed 3 s ago: redis: store_unavailable: NOPERM" },
      inbox:health().reasons)
    store.down = true
    assert.is_nil(inbox:health().reasons.claim)
    store.down, store.claim = false, nil
    assert.same({}, inbox:claim())
    assert.is_true(inbox:health().ok)
  end)

  it("names a pause, dead letters and old events above the limits", function()
    put "a" put "b"
    assert(inbox:claim()[1]:dead_letter "no")
    assert.is_true(inbox:health { max_dead = 1 }.ok)
    testing.clock:advance(11)
    inbox:pause()
    local reasons = inbox:health { max_dead = 0, max_age = 10 }.reasons
    assert.same("the inbox is paused; inbox:resume() continues", reasons.paused)
    assert(inbox:pause { type = "video.*" })
    assert(inbox:resume())
    assert.matches("events of type video.* are paused; inbox:resume { type", inbox:health().reasons.paused, 1, true)
    assert(inbox:pause { type = "a" })
    assert.matches("events of type a, video.* are paused", inbox:health().reasons.paused, 1, true)
    assert(inbox:resume { type = "a" })
    assert.truthy(reasons.dead:find "^1 events are dead letters %(max_dead: 0%)", reasons.dead)
    assert.truthy(reasons.oldest:find "^the oldest event has waited for 1%d s %(max_age: 10 s%)", reasons.oldest)
    assert(inbox:resume { type = "video.*" })
    assert.is_true(inbox:health().ok)
  end)

  it("names a spool that does not respond, or has too many events", function()
    inbox = apivideo.inbox { store = store, spool = spool }
    inboxes.printed_by(function()
      store.down = true
      put "a" put "b"
      assert.is_nil(inbox:health { max_spooled = 2 }.reasons.spool)
      local reasons = inbox:health { max_spooled = 1 }.reasons
      assert.equal("2 events wait in the spool for the store (max_spooled: 1)", reasons.spool)
      assert.truthy(reasons.store)
      apivideo.sleep(0.02)
      assert.matches("the oldest event has waited", inbox:health { max_age = 0.01 }.reasons.oldest, 1, true)
      spool.down = true
      assert.equal("the spool does not respond: inbox: store_unavailable: no space", inbox:health().reasons.spool)
      inbox:close()
    end)
  end)

  it("names a worker that asks for no events, unless it is busy", function()
    local cancel, is_busy = apivideo.cancellation(), true
    local handlers = apivideo.handlers()
    handlers:on("video.caption.generated", function()
      repeat apivideo.sleep(0.01) until not is_busy
    end)
    put "a"
    inboxes.printed_by(function()
      apivideo.run(function()
        local counts = inbox._counts
        apivideo.spawn(inbox.work, inbox, handlers, { cancel = cancel, lease = 1000 })
        repeat apivideo.sleep(0.01) until inbox:stats().claimed == 1
        testing.clock:advance(61)
        assert.is_nil(inbox:health().reasons.claim)
        local claimed_at = counts.succeeded_at.claim
        is_busy = false
        repeat apivideo.sleep(0.01) until inbox:stats().done == 1 and counts.succeeded_at.claim > claimed_at
        store.claim = function() repeat apivideo.sleep(0.01) until cancel:is_cancelled() return {} end
        testing.clock:advance(62)
        assert.truthy(inbox:health().reasons.claim:find "has not asked for events for 6%d s")
        cancel:cancel()
        repeat apivideo.sleep(0.01) until next(counts.workers) == nil
      end)
    end)
    assert.is_true(inbox:health().ok)
  end)

  it("names workers that handle nothing although events wait", function()
    local receiver = apivideo.receiver { inbox = inbox, unsigned = true }
    put "a"
    testing.clock:advance(50)
    assert.is_nil(inbox:health().reasons.worker)
    testing.clock:advance(150)
    local health = inbox:health()
    assert.is_false(health.ok)
    assert.matches("1 events wait, the oldest for 200 s, and no process has handled one for 60 s; start a worker",
      health.reasons.worker, 1, true)
    health = receiver:health()
    assert.is_true(health.ok)
    assert.truthy(health.reasons.worker)
    assert(inbox:pause())
    assert.is_nil(inbox:health().reasons.worker)
    assert(inbox:resume())
    local claim = inbox:claim()[1]
    assert.is_nil(inbox:health().reasons.worker)
    assert(claim:retry(600, "no")) -- it failed just now, and may wait for its next attempt for ten minutes
    assert.is_nil(inbox:health().reasons.worker)
    testing.clock:advance(650)
    assert.is_nil(inbox:health().reasons.worker)
    testing.clock:advance(400)
    assert.matches("handled one for 900 s", inbox:health().reasons.worker, 1, true)
    assert(inbox:claim { lease = 300 }[1]:complete())
    put "b"
    assert.is_true(inbox:health().ok)
    testing.clock:advance(61)
    assert.is_nil(inbox:health().reasons.worker, "an event was handled a minute ago")
    testing.clock:advance(120)
    assert.truthy(inbox:health().reasons.worker)
  end)

  it("names a clock that differs from the store's", function()
    local ahead = 0
    store.time = function() return runtime.now() - ahead end
    inbox = apivideo.inbox { store = store }
    assert.is_true(inbox:health().ok)
    ahead = 7
    assert.truthy(inbox:health().reasons.clock:find "^the clock of this machine is 7 s ahead of that of the store")
    ahead = -7
    assert.truthy(inbox:health().reasons.clock:find "7 s behind that of the store")
  end)

  it("rejects wrong limits", function()
    local receiver = apivideo.receiver { handlers = apivideo.handlers(), unsigned = true }
    for _, object in ipairs { inbox, receiver } do
      local message = misuse(function() return (object:health { max_dead = -1 }) end)
      assert.truthy(message:find('health: option "max_dead" must be an integer', 1, true), message)
    end
  end)

  it("is ok for a receiver while it can accept deliveries", function()
    local receiver = apivideo.receiver { inbox = apivideo.inbox { store = store, spool = spool }, unsigned = true }
    assert.same({ ok = true, reasons = {} }, receiver:health())
    store.down = true
    local health = receiver:health()
    assert.is_true(health.ok)
    assert.truthy(health.reasons.store)
    spool.down = true
    assert.is_false(receiver:health().ok)
    receiver = apivideo.receiver { handlers = apivideo.handlers(), unsigned = true }
    assert.same({ ok = true, reasons = {} }, receiver:health())
  end)
end)

describe("inbox:open", function()
  it("opens the store, or returns why that is not possible", function()
    assert.is_true(apivideo.inbox({ store = memory() }):open())
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = "/nonexistent/inbox.db" } }
    local ok, err = inbox:open()
    assert.is_nil(ok)
    assert.equal("store_unavailable", err.kind)
    assert.truthy(err.message:find("/nonexistent/inbox.db", 1, true), err.message)
  end)

  it("needs only the spool, and logs that the store is unavailable", function()
    local store, spool = inboxes.failing(memory()), inboxes.failing(memory())
    local inbox = apivideo.inbox { store = store, spool = spool }
    store.down = true
    local printed = inboxes.printed_by(function() assert.is_true(inbox:open()) end)
    assert.truthy(printed:find("the store is unavailable, and events are spooled", 1, true), printed)
    spool.down = true
    assert.is_nil((inbox:open()))
  end)
end)
