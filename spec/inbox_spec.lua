-- The inbox itself: between receiver and handlers. What its stores do is in spec/support/inbox_conformance.lua.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local memory = require "apivideo.inbox.memory"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"
local worker = require "apivideo.inbox.worker"

local SECRET = "sig_sec_0000000000000000000000"
local STARTED = "live-stream.broadcast.started"

local function raw_of(type, fields)
  local event = apivideo.events:sample(type)
  for name, value in pairs(fields or {}) do event[name] = value end
  return require("cjson").encode(event)
end

local function caption(id)
  return raw_of("video.caption.generated", { captionId = id })
end

local function printed_by(fn)
  return table.concat(stderr.of(fn))
end

-- A store that fails as it is told, over another.
local function failing(store)
  local self = { down = false }
  return setmetatable(self, { __index = function(_, name)
    if type(store[name]) ~= "function" then return nil end
    return function(_, ...)
      if self.down then return nil, errors.new("store_unavailable", "no space") end
      self.calls = (self.calls or 0) + (name == "put" and 1 or 0)
      return store[name](store, ...)
    end
  end })
end

describe("an inbox", function()
  local store, inbox, receiver, outcomes

  before_each(function()
    store = failing(memory())
    inbox = apivideo.inbox { store = store }
    outcomes = {}
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, log = function(o) outcomes[#outcomes + 1] = o end }
  end)

  local function deliver(raw, headers)
    return (receiver:receive { method = "POST", body = raw, headers = headers or {
      ["X-Api-Video-WebhookID"] = "webhook_1", ["X-Api-Video-Signature"] = apivideo.sign(raw, SECRET),
    } })
  end

  local function stats() return assert(inbox:stats()) end

  describe("between receiver and handlers", function()
    it("has stored what is answered with 204, once", function()
      local raw = caption "a"
      assert.equal(204, deliver(raw))
      assert.is_true(outcomes[1].is_new)
      assert.equal(204, deliver(raw))
      assert.is_false(outcomes[2].is_new)
      assert.equal(1, stats().waiting)
      local claim = assert(inbox:claim())[1]
      assert.equal("video.caption.generated", claim.event.type)
      local delivery = claim.delivery
      assert.equal(raw, delivery.raw)
      assert.equal("webhook_1", delivery.webhookId)
      assert.is_true(delivery.verified)
      assert.equal("webhook", delivery.origin)
      assert.equal(1, delivery.attempt)
      assert.equal(apivideo.events:key(claim.event), delivery.key)
      assert.is_true(math.abs(delivery.received_at - runtime.now()) < 60)
      assert.is_true(claim:complete())
    end)

    it("takes the same event through two webhooks for one", function()
      local raw = caption "a"
      assert.equal(204, deliver(raw))
      assert.equal(204, deliver(raw, { ["X-Api-Video-WebhookID"] = "webhook_2",
        ["X-Api-Video-Signature"] = apivideo.sign(raw, SECRET) }))
      assert.equal(1, stats().waiting)
    end)

    it("takes a broadcast's retry for the same, also with another time", function()
      assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:00Z" })))
      assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:03Z" })))
      assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:00Z", liveStreamId = "li_other" })))
      assert.equal(204, deliver(raw_of("live-stream.broadcast.ended", { emittedAt = "2024-01-01T00:00:00Z" })))
      assert.equal(3, stats().waiting)
    end)

    it("answers 503 when it cannot store, and nothing is kept", function()
      store.down = true
      assert.equal(503, deliver(caption "a"))
      assert.equal("store_unavailable", outcomes[1].err.kind)
      store.down = false
      assert.equal(0, stats().waiting)
      assert.equal(204, deliver(caption "a"))
    end)

    it("refuses what the receiver refuses", function()
      assert.equal(401, deliver(caption "a", { ["X-Api-Video-Signature"] = ("0"):rep(64) }))
      assert.equal(0, stats().waiting)
    end)

    it("is counted in the receiver's metrics", function()
      deliver(caption "a") deliver(caption "a") deliver(caption "b")
      store.down = true
      deliver(caption "c")
      local without = receiver:metrics()
      store.down = false
      local text = receiver:metrics()
      for _, line in ipairs { 'apivideo_deliveries_stored_total{type="video.caption.generated"} 2',
        'apivideo_deliveries_duplicate_total{type="video.caption.generated"} 1',
        'apivideo_deliveries_refused_total{reason="store_unavailable"} 1', 'apivideo_inbox_events{state="waiting"} 2',
        "apivideo_deliveries_received_total 4" } do
        assert.truthy(text:find(line .. "\n", 1, true), line)
      end
      assert.is_nil(without:find("apivideo_inbox", 1, true))
    end)

    it("stores what comes at the same time at once", function()
      local statuses = apivideo.parallel(100, (("x"):rep(100)):gmatch "x", function(_, place)
        return deliver(caption(tostring(place % 50)))
      end)
      for i = 1, 100 do assert.equal(204, statuses[i]) end
      assert.equal(50, stats().waiting)
      assert.equal(1, store.calls)
    end)

    it("answers all of them with 503 when that fails, or the store raises", function()
      for _, put in ipairs { function() return nil, errors.new("store_unavailable", "full") end,
        function() error "bug" end } do
        store.put = put
        local statuses = apivideo.parallel(3, { "1", "2", "3" }, function(id) return deliver(caption(id)) end)
        assert.same({ 503, 503, 503 }, statuses)
      end
    end)

    it("keeps an event whose lane cannot be told", function()
      inbox = apivideo.inbox { store = store, lane = function() error "lane" end }
      receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
      local printed = printed_by(function() assert.equal(204, deliver(caption "a")) end)
      assert.truthy(printed:find("option \"lane\"", 1, true))
      assert.equal(1, stats().waiting)
    end)
  end)

  describe("work", function()
    local handlers, cancel, settlements

    before_each(function()
      handlers, cancel, settlements = apivideo.handlers(), apivideo.cancellation(), {}
    end)

    after_each(function() cancel:cancel() end)

    local function work(more)
      local given = { cancel = cancel, backoff = 0.01, log = function(s) settlements[#settlements + 1] = s end }
      for name, value in pairs(more or {}) do given[name] = value end
      local ended = runtime.latch()
      apivideo.spawn(function() ended:open(inbox:work(handlers, given)) end)
      return ended
    end

    local function wait_until(state, count)
      wait_for(function() return stats()[state] == count end, count .. " " .. state)
    end

    it("hands each event to its handlers, and completes it", function()
      local seen = {}
      handlers:on("video.*", function(event, delivery) seen[#seen + 1] = event.captionId .. delivery.attempt end)
      deliver(caption "a")
      local ended = work()
      deliver(caption "b")
      wait_until("done", 2)
      assert.same({ "a1", "b1" }, seen)
      assert.equal("completed", settlements[1].fate)
      assert.equal(1, settlements[1].handled)
      cancel:cancel()
      assert.is_true(ended:wait(5))
      deliver(caption "c")
      assert.equal(1, stats().waiting)
    end)

    it("tries again what fails, later each time, then gives up", function()
      local times = {}
      handlers:on("video.*", function()
        times[#times + 1] = runtime.monotonic()
        return nil, "no luck " .. #times
      end)
      deliver(caption "a")
      work { attempts = 4 }
      wait_until("dead", 1)
      assert.equal(4, #times)
      assert.equal("no luck 4", inbox:list("dead")[1].error)
      for i = 1, 3 do
        assert.equal("retried", settlements[i].fate)
        local most = 0.01 * 2 ^ (i - 1)
        assert.is_true(settlements[i].delay >= most / 2 and settlements[i].delay <= most)
        assert.is_true(times[i + 1] - times[i] >= settlements[i].delay * 0.99)
      end
      assert.equal("buried", settlements[4].fate)
    end)

    it("gives a dead letter all its attempts again", function()
      local luck = false
      handlers:on("video.*", function() if not luck then return apivideo.permanent("bad luck") end end)
      deliver(caption "a")
      work()
      wait_until("dead", 1)
      assert.equal(1, #settlements)
      local entry = inbox:list("dead")[1]
      assert.equal("bad luck", entry.error)
      assert.equal("video.caption.generated", entry.event.type)
      luck = true
      assert.equal(1, inbox:redrive(entry.id))
      wait_until("done", 1)
      assert.equal(1, settlements[2].delivery.attempt)
    end)

    it("gives up at once only if all that failed is permanent", function()
      handlers:on("video.*", function() return apivideo.permanent("never") end)
      handlers:on("video.caption.generated", function() error("perhaps", 0) end)
      deliver(caption "a")
      work { attempts = 2 }
      wait_until("dead", 1)
      assert.equal("never; perhaps", inbox:list("dead")[1].error)
      assert.equal(2, #settlements)
    end)

    it("keeps its claim while a handler takes long", function()
      local runs = 0
      handlers:on("video.*", function()
        runs = runs + 1
        apivideo.sleep(1.2)
      end)
      deliver(caption "a")
      work { lease = 0.5, concurrency = 2 }
      wait_until("done", 1)
      assert.equal(1, runs)
    end)

    it("takes over what a worker that died had, and gives up what kills them", function()
      deliver(caption "a")
      assert(inbox:claim { lease = 0.02 })
      local runs = 0
      handlers:on("video.*", function() runs = runs + 1 end)
      work { attempts = 1 }
      wait_until("dead", 1)
      assert.equal(0, runs)
      assert.truthy(inbox:list("dead")[1].error:find("1 attempts began and did not end", 1, true))
    end)

    it("handles several at once, and no more than it is told", function()
      local now, most = 0, 0
      handlers:on("video.*", function()
        now = now + 1
        most = math.max(most, now)
        apivideo.sleep(0.02)
        now = now - 1
      end)
      for i = 1, 12 do deliver(caption(tostring(i))) end
      work { concurrency = 3 }
      wait_until("done", 12)
      assert.equal(3, most)
    end)

    it("keeps the order within a lane", function()
      inbox = apivideo.inbox { store = store, lane = function(event) return event.videoId end }
      receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, log = function() end }
      local seen, under_way = {}, 0
      handlers:on("video.*", function(event)
        under_way = under_way + 1
        assert(under_way == 1)
        apivideo.sleep(0.001)
        under_way = under_way - 1
        seen[#seen + 1] = event.captionId
        if event.captionId == "3" and #seen == 3 then return nil, "again" end
      end)
      for i = 1, 6 do deliver(caption(tostring(i))) end
      work { concurrency = 4 }
      wait_until("done", 6)
      assert.equal("1233456", table.concat(seen))
    end)

    it("goes on as another task after a while", function()
      local turn = worker.TURN
      worker.TURN = 0.01
      finally(function() worker.TURN = turn end)
      handlers:on("video.*", function() apivideo.sleep(0.005) end)
      local ended = work { concurrency = 3, lease = 0.03 }
      for i = 1, 30 do deliver(caption(tostring(i))) end
      wait_until("done", 30)
      cancel:cancel()
      assert.is_true(ended:wait(5))
    end)

    it("waits for a store that is away", function()
      local printed = printed_by(function()
        store.down = true
        work()
        runtime.sleep(0.05)
        store.down = false
        deliver(caption "a")
        wait_until("done", 1)
      end)
      assert.truthy(printed:find("the inbox waits for its store: .*no space"))
    end)

    it("settles an event when the store is back", function()
      local runs = 0
      handlers:on("video.*", function()
        runs = runs + 1
        store.down = true
        apivideo.spawn(function()
          runtime.sleep(0.05)
          store.down = false
        end)
      end)
      deliver(caption "a")
      work()
      wait_for(function() return #settlements == 1 end, "the end")
      assert.equal("completed", settlements[1].fate)
      assert.equal(1, stats().done)
      assert.equal(1, runs)
    end)

    it("lets others go on while there is always something to do", function()
      handlers:on("video.*", function()
        local ends = runtime.monotonic() + 0.002
        while runtime.monotonic() < ends do end -- never waits
      end)
      for i = 1, 100 do deliver(caption(tostring(i))) end
      work()
      local turns = 0
      apivideo.spawn(function()
        while stats().done < 100 do
          turns = turns + 1
          runtime.sleep(0)
        end
      end)
      wait_until("done", 100)
      assert.is_true(turns > 10)
    end)

    it("survives errors that cannot be written, and a store that raises", function()
      handlers:on("video.*", function()
        return nil, setmetatable({}, { __tostring = function() error "no text" end })
      end)
      deliver(caption "a")
      local ended
      printed_by(function()
        ended = work { attempts = 1 }
        wait_until("dead", 1)
        local claim = store.claim
        store.claim = function()
          store.claim = claim
          error "bug"
        end
        deliver(caption "b")
        wait_until("dead", 2)
      end)
      cancel:cancel()
      assert.is_true(ended:wait(5))
    end)

    it("keeps all its claims where the store lets others go on", function()
      local extend = store.extend
      store.extend = function(...)
        runtime.sleep(0.002)
        return extend(...)
      end
      local runs = 0
      handlers:on("video.*", function()
        runs = runs + 1
        apivideo.sleep(0.01)
      end)
      for i = 1, 60 do deliver(caption(tostring(i))) end
      work { concurrency = 10, lease = 1 }
      wait_until("done", 60)
      assert.equal(60, runs)
    end)

    it("says in the log what a person should know", function()
      handlers:on("video.caption.generated", function() return nil, "out of luck sig_sec_abcdef" end)
      local printed = printed_by(function()
        deliver(caption "a")
        deliver(raw_of "video.summary.generated")
        apivideo.spawn(function() inbox:work(handlers, { cancel = cancel, attempts = 2, backoff = 0.01 })
 end)
        wait_until("dead", 1)
        wait_until("done", 1)
      end)
      assert.truthy(printed:find("video.caption.generated (attempt 1) failed, again in 0 s: out of luck", 1, true))
      assert.truthy(printed:find("given up; see inbox:list(\"dead\")", 1, true))
      assert.truthy(printed:find("completed without a handler: video.summary.generated", 1, true))
      assert.is_nil(printed:find("abcdef", 1, true))
      assert.is_nil(inbox:list("dead")[1].error:find("abcdef", 1, true))
    end)

    it("forgets what was handled long ago", function()
      inbox = apivideo.inbox { store = store, keep = 0 }
      local purged
      local purge = store.purge
      store.purge = function(_, state, age)
        purged = { state, age }
        return purge(store, state, age)
      end
      assert.equal(0, inbox:purge("done", inbox.keep))
      assert.same({ "done", 0 }, purged)
    end)
  end)

  describe("with a spool", function()
    local spool

    local function new()
      inbox = apivideo.inbox { store = store, spool = spool }
      receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, log = function() end }
    end

    before_each(function()
      spool = failing(memory())
      new()
    end)

    local function captions()
      local ids = {}
      for i, entry in ipairs(assert(inbox:list "waiting")) do ids[i] = entry.event.captionId end
      return table.concat(ids)
    end

    it("does not use it while the store is there", function()
      spool.down = true
      assert.equal(204, deliver(caption "a"))
      assert.equal("a", captions())
    end)

    it("takes what comes while the store is away, and forwards it, in order, once", function()
      local printed = printed_by(function()
        assert.equal(204, deliver(caption "a"))
        store.down = true
        for id in ("bcabd"):gmatch "." do assert.equal(204, deliver(caption(id))) end
        assert.equal(4, assert(spool:stats()).waiting)
        store.down = false
        assert.equal(204, deliver(caption "e")) -- not before the others
        wait_for(function() return stats().waiting == 5 and stats().spooled == 0 end, "the spooled events")
      end)
      assert.equal("abcde", captions())
      assert.truthy(printed:find("events are spooled on this machine: .*no space"))
      assert.equal(204, deliver(caption "f"))
      assert.equal("abcdef", captions())
      assert.same({}, spool:list("waiting", 10, 0))
    end)

    it("takes two broadcasts for one or for two by when they came, not by when it forwards them", function()
      local function spooled(time, seconds_ago)
        local raw = raw_of(STARTED, { emittedAt = ("2024-01-01T00:00:0%dZ"):format(time) })
        local key, occurrence = apivideo.events:key(apivideo.events:parse(raw))
        return { key = key, occurrence = occurrence, raw = raw, verified = true,
          received_at = 1, age = seconds_ago }
      end
      assert(spool:put({ spooled(1, 100), spooled(2, 60), spooled(3, 3) }, 0))
      assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:04Z" })))
      wait_for(function() return stats().spooled == 0 end, "the spooled events")
      assert.equal(3, stats().waiting) -- the last two are one
    end)

    it("forwards what an earlier process has left: at the next event, or at work", function()
      for _, begin in ipairs { function() deliver(caption "b") end, function()
        local cancel = apivideo.cancellation()
        apivideo.spawn(function() inbox:work(apivideo.handlers(), { cancel = cancel, lease = 0.03 }) end)
        wait_for(function() return stats().done == 2 end, "events")
        cancel:cancel()
      end } do
        store, spool = failing(memory()), failing(memory())
        new()
        printed_by(function()
          store.down = true
          deliver(caption "a")
          deliver(caption "b")
          new() -- as another process
          store.down = false
          begin()
          wait_for(function() return stats().waiting + stats().done == 2 end, "the spooled events")
        end)
      end
    end)

    it("answers 503 when both are away", function()
      store.down, spool.down = true, true
      printed_by(function() assert.equal(503, deliver(caption "a")) end)
    end)

    it("is not forgotten while it cannot be read, and does not keep events from the store then", function()
      printed_by(function()
        store.down = true
        deliver(caption "a")
        spool.down, store.down = true, false
        assert.equal(204, deliver(caption "b"))
        assert.equal("b", captions())
        spool.down = false
        wait_for(function() return stats().waiting == 2 end, "the spooled event")
      end)
    end)

    it("gives up what it cannot read, and goes on", function()
      local printed = printed_by(function()
        assert(spool:put({ { key = "x", raw = "{}", lane = "spool", verified = true, received_at = 1 } }, 0))
        deliver(caption "a")
        wait_for(function() return stats().waiting == 1 end, "the spooled event")
      end)
      assert.equal(1, assert(spool:stats()).dead)
      assert.truthy(printed:find("cannot be read", 1, true))
    end)

    it("is forwarded in order by several processes", function()
      local put = store.put
      printed_by(function()
        store.down = true
        for id in ("abcdefghij"):gmatch "." do deliver(caption(id)) end
        store.down = false
        store.put = function(...) -- one that yields
          runtime.sleep(0.001)
          return put(...)
        end
        local others = {}
        for i = 1, 3 do others[i] = apivideo.inbox { store = store, spool = spool } end
        apivideo.parallel(3, others, function(other) other:forward() end)
        wait_for(function() return stats().waiting == 10 end, "the spooled events")
      end)
      assert.equal("abcdefghij", captions())
    end)
  end)

  it("tells that a claim is lost", function()
    deliver(caption "a")
    local claim = assert(inbox:claim { lease = 0.01 })[1]
    runtime.sleep(0.02)
    for _, act in ipairs { function() return claim:complete() end, function() return claim:extend() end,
      function() return claim:retry(0, "x") end, function() return claim:bury("x") end } do
      local ok, err = act()
      assert.is_nil(ok)
      assert.equal("claim_lost", err.kind)
    end
  end)

  it("pauses and goes on", function()
    deliver(caption "a")
    assert.is_true(inbox:pause())
    assert.same({}, inbox:claim())
    assert.is_true(stats().paused)
    assert.is_true(inbox:resume())
    assert.equal(1, #inbox:claim { limit = 5 })
  end)

  it("purges by state", function()
    for i = 1, 3 do
      deliver(caption(tostring(i)))
      assert(inbox:claim())[1]:bury("x")
    end
    assert.equal(0, inbox:purge("done"))
    assert.equal(0, inbox:purge("dead", 60))
    assert.equal(3, inbox:purge("dead"))
    assert.equal(0, stats().dead)
  end)

  it("raises for misuse, with the way out", function()
    for expected, fn in pairs {
      ['"store" is required'] = function() apivideo.inbox {} end,
      ['did you mean "store"'] = function() apivideo.inbox { stor = memory() } end,
      ["it lacks put"] = function() apivideo.inbox { store = {} } end,
      ["from events.extend"] = function() apivideo.inbox { store = memory(), events = {} } end,
      ['"keep" must be'] = function() apivideo.inbox { store = memory(), keep = -1 } end,
      ["inbox:put(…)"] = function() inbox.put {} end,
      ["a delivery expected"] = function() inbox:put {} end,
      ["exclude each other"] = function()
        apivideo.receiver { inbox = inbox, handlers = apivideo.handlers(), secrets = SECRET }
      end,
      ['"handlers" is required, or "inbox"'] = function() apivideo.receiver { secrets = SECRET } end,
      ["must come from apivideo.inbox()"] = function() apivideo.receiver { inbox = {}, secrets = SECRET } end,
      ['"defer" is for handlers'] = function() apivideo.receiver { inbox = inbox, defer = true, secrets = SECRET } end,
      ["unknown option \"leas\""] = function() inbox:work(apivideo.handlers(), { leas = 1 }) end,
      ["handlers expected"] = function() inbox:work() end,
      ['"concurrency" must be a whole number'] = function() inbox:work(apivideo.handlers(), { concurrency = 0 }) end,
      ['"lease" must be a number of seconds'] = function() inbox:work(apivideo.handlers(), { lease = 0 }) end,
      ["apivideo.cancellation()"] = function() inbox:work(apivideo.handlers(), { cancel = {} }) end,
      ["waiting, claimed, dead or done"] = function() inbox:list "lost" end,
      ["state must be dead or done"] = function() inbox:purge "waiting" end,
      ['"limit" must be a whole number'] = function() inbox:claim { limit = 0 } end,
      ['"lease" must be a number of seconds above 0'] = function() inbox:claim { lease = 0 / 0 } end,
      ['"after" must be a whole number'] = function() inbox:list("dead", { after = -1 }) end,
      ["age must be a number"] = function() inbox:purge("dead", "1") end,
      ["it has a NUL"] = function() inbox:put { event = {}, raw = "\0" } end,
      ["an entry's id"] = function() inbox:redrive {} end,
    } do
      local message = misuse(fn)
      assert.truthy(message:find(expected, 1, true), message)
    end
  end)
end)
