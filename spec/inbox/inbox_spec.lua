-- The inbox between receiver and handlers. spec/support/inbox_conformance.lua checks its stores.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"

local SECRET, STARTED, failing = inboxes.SECRET, inboxes.STARTED, inboxes.failing
local raw_of, caption, printed_by = inboxes.raw_of, inboxes.caption, inboxes.printed_by

describe("an inbox", function()
  local store, inbox, receiver, outcomes

  before_each(function()
    store = failing(memory())
    inbox = apivideo.inbox { store = store }
    outcomes = {}
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET,
      on_outcome = function(o) outcomes[#outcomes + 1] = o end }
  end)

  local function deliver(raw, headers) return inboxes.deliver(receiver, raw, headers) end

  local function stats() return assert(inbox:stats()) end

  describe("between receiver and handlers", function()
    it("has stored an event once when the response is 204", function()
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
      assert.equal("webhook_1", delivery.webhook_id)
      assert.is_true(delivery.verified)
      assert.equal("webhook", delivery.origin)
      assert.equal(1, delivery.attempt)
      assert.equal(apivideo.events:key(claim.event), delivery.key)
      assert.is_true(math.abs(delivery.received_at - runtime.now()) < 60)
      assert.is_true(claim:complete())
    end)

    it("passes on the origin of an event that the application puts", function()
      local raw = caption "a"
      local event = apivideo.parse(raw)
      assert.is_true(inbox:put { raw = raw, event = event, origin = "reconcile", verified = false })
      assert.is_false(inbox:put { raw = raw, event = event })
      assert.equal("reconcile", inbox:list({ state = "waiting" })[1].origin)
      local delivery = assert(inbox:claim())[1].delivery
      assert.equal("reconcile", delivery.origin)
      assert.is_false(delivery.verified)
      assert.matches("origin must be webhook, reconcile or derived, got x", misuse(function()
        inbox:put { raw = raw, event = event, origin = "x" }
        return nil
      end), 1, true)
    end)

    it("recognises an event that two webhooks deliver as a duplicate", function()
      local raw = caption "a"
      assert.equal(204, deliver(raw))
      assert.equal(204, deliver(raw, { ["X-Api-Video-WebhookID"] = "webhook_2",
        ["X-Api-Video-Signature"] = apivideo.sign(raw, SECRET) }))
      assert.equal(1, stats().waiting)
    end)

    it("recognises the retry of a broadcast as a duplicate, also with a different time", function()
      assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:00Z" })))
      assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:03Z" })))
      assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:00Z", liveStreamId = "li_other" })))
      assert.equal(204, deliver(raw_of("live-stream.broadcast.ended", { emittedAt = "2024-01-01T00:00:00Z" })))
      assert.equal(3, stats().waiting)
    end)

    it("accepts a broadcast as new after the end of the previous one", function()
      local function broadcast(what, time)
        return deliver(raw_of("live-stream.broadcast." .. what, { emittedAt = "2024-01-01T10:00:" .. time .. "Z" }))
      end
      assert.equal(204, broadcast("started", "00"))
      assert.equal(204, broadcast("ended", "10"))
      assert.equal(204, broadcast("started", "14"))
      assert.equal(204, broadcast("started", "17")) -- a retry with a new time
      assert.equal(204, broadcast("ended", "18"))
      assert.equal(204, broadcast("ended", "18"))
      assert.equal(4, stats().waiting)
      for i, is_new in ipairs { true, true, true, false, true, false } do assert.equal(is_new, outcomes[i].is_new) end
    end)

    it("logs an event that it drops as a retry although its time differs, but no exact duplicate", function()
      local started = raw_of(STARTED, { emittedAt = "2024-01-01T00:00:00Z" })
      deliver(started)
      local printed = printed_by(function() deliver(started) end)
      assert.equal("", printed)
      printed = printed_by(function() deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:03Z" })) end)
      for _, part in ipairs { "dropped as a retry: live-stream.broadcast.started", "2024-01-01T00:00:03Z", "20 s",
        'option "window"' } do
        assert.truthy(printed:find(part, 1, true), printed)
      end
    end)

    it("drops no broadcast with a window of 0", function()
      inbox = apivideo.inbox { store = store, window = 0 }
      receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
      for second = 1, 3 do deliver(raw_of(STARTED, { emittedAt = ("2024-01-01T00:00:0%dZ"):format(second) })) end
      assert.equal(3, stats().waiting)
    end)

    it("drops all further broadcasts of a stream with an infinite window", function()
      inbox = apivideo.inbox { store = store, window = math.huge }
      receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
      local printed = printed_by(function()
        for second = 1, 2 do
          assert.equal(204, deliver(raw_of(STARTED, { emittedAt = ("2024-01-01T00:00:0%dZ"):format(second) })))
        end
      end)
      assert.truthy(printed:find("less than inf s after", 1, true), printed)
      assert.equal(1, stats().waiting)
    end)

    it("passes occurrence and opposite to its store and its spool, and the window only to the store", function()
      local seen = {}
      local function spy(over)
        return setmetatable({ put = function(_, items, window)
          seen[#seen + 1] = { window, items[1].occurrence, items[1].opposite }
          return over:put(items, window)
        end }, { __index = function(_, name) return function(_, ...) return over[name](over, ...) end end })
      end
      inbox = apivideo.inbox { store = spy(store), spool = spy(memory()), window = 3.5 }
      receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
      local key = "24:li400mYKSgQ6xs7taUeSaEap"
      local function expected(window)
        return { window, "29:live-stream.broadcast.started" .. key, "27:live-stream.broadcast.ended" .. key }
      end
      deliver(raw_of(STARTED))
      store.down = true
      printed_by(function() deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:03Z" })) end)
      store.down = false
      inbox:forward()
      assert.same({ expected(3.5), expected(3.5), expected(0), expected(3.5) }, seen) -- put; put, spooled; forwarded
    end)

    it("responds 503 if the event cannot be stored", function()
      store.down = true
      assert.equal(503, deliver(caption "a"))
      assert.equal("store_unavailable", outcomes[1].err.kind)
      store.down = false
      assert.equal(0, stats().waiting)
      assert.equal(204, deliver(caption "a"))
    end)

    it("does not store requests that the receiver rejects", function()
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
        'apivideo_deliveries_rejected_total{reason="store_unavailable"} 1', 'apivideo_inbox_events{state="waiting"} 2',
        "apivideo_deliveries_received_total 4" } do
        assert.truthy(text:find(line .. "\n", 1, true), line)
      end
      assert.is_nil(without:find("apivideo_inbox_events", 1, true))
      assert.truthy(without:find("apivideo_inbox_store_up 0\n", 1, true))
    end)

    it("stores deliveries that arrive at the same time in one transaction", function()
      local statuses = apivideo.parallel(100, (("x"):rep(100)):gmatch "x", function(_, place)
        return deliver(caption(tostring(place % 50)))
      end)
      for i = 1, 100 do assert.equal(204, statuses[i]) end
      assert.equal(50, stats().waiting)
      assert.equal(1, store.calls)
    end)

    it("adds deliveries that arrive a little later to the transaction", function()
      local ends, round = runtime.monotonic() + 60, 0
      repeat -- repeated if this process had to wait in between
        store.calls, round = 0, round + 1
        local statuses = apivideo.parallel(5, { 4, 3, 2, 1, 0 }, function(turns)
          for _ = 1, turns do runtime.pass() end
          return deliver(caption(("%d of round %d"):format(turns, round)))
        end)
        assert.same({ 204, 204, 204, 204, 204 }, statuses)
      until store.calls == 1 or runtime.monotonic() > ends
      assert.equal(1, store.calls)
    end)

    it("limits the wait for further deliveries", function()
      local put, ends, coming, count = store.put, runtime.monotonic() + 10, true, 0
      function store.put(...)
        coming = false
        return put(...)
      end
      local function keep_coming()
        while coming and runtime.monotonic() < ends do
          count = count + 1
          runtime.spawn(deliver, caption(tostring(count)))
          runtime.pass()
        end
      end
      runtime.run(function()
        runtime.spawn(keep_coming)
        for _ = 1, 3 do runtime.pass() end
        assert.equal(204, deliver(caption "a"))
      end)
      assert.is_true(runtime.monotonic() < ends)
    end)

    it("responds 503 to all of them if the transaction fails, or the store raises", function()
      for _, put in ipairs { function() return nil, errors.new("store_unavailable", "full") end,
        function() error "bug" end,
        function() error(setmetatable({}, { __tostring = function() return {} end })) end } do
        store.put = put
        local statuses = apivideo.parallel(3, { "1", "2", "3" }, function(id) return deliver(caption(id)) end)
        assert.same({ 503, 503, 503 }, statuses)
      end
    end)

    it("stores an event although the function of the option lane fails", function()
      inbox = apivideo.inbox { store = store, lane = function() error "lane" end }
      receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
      local printed = printed_by(function() assert.equal(204, deliver(caption "a")) end)
      assert.truthy(printed:find("option \"lane\"", 1, true))
      assert.equal(1, stats().waiting)
    end)
  end)

  it("returns claim_lost for a claim that is lost", function()
    deliver(caption "a")
    local claim = assert(inbox:claim { lease = 0.01 })[1]
    runtime.sleep(0.02)
    for _, act in ipairs { function() return claim:complete() end, function() return claim:extend() end,
      function() return claim:retry(0, "x") end, function() return claim:dead_letter("x") end } do
      local ok, err = act()
      assert.is_nil(ok)
      assert.equal("claim_lost", err.kind)
    end
  end)

  it("pauses and resumes", function()
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
      assert(inbox:claim())[1]:dead_letter("x")
    end
    assert.equal(0, inbox:purge { state = "done" })
    assert.equal(0, inbox:purge({ state = "dead" }, { age = 60 }))
    assert.equal(3, inbox:purge { state = "dead" })
    assert.equal(0, stats().dead)
  end)

  it("raises for misuse, with a remedy", function()
    for expected, fn in pairs {
      ['"store" is required'] = function() apivideo.inbox {} end,
      ['did you mean "store"'] = function() apivideo.inbox { stor = memory() } end,
      ['inbox: option "store" must be a store, such as apivideo.inbox.sqlite { path = … }, got string'] = function()
        apivideo.inbox { store = "sqlite:x.db" }
      end,
      ["it lacks put"] = function() apivideo.inbox { store = {} } end,
      ["from events:extend"] = function() apivideo.inbox { store = memory(), events = {} } end,
      ['"retention" must be'] = function() apivideo.inbox { store = memory(), retention = -1 } end,
      ['"window" must be a number of seconds of at least 0'] = function()
        apivideo.inbox { store = memory(), window = 0 / 0 }
      end,
      ['"window" must be'] = function() apivideo.inbox { store = memory(), window = -1 } end,
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
      ['"concurrency" must be an integer of at least 1'] = function()
        inbox:work(apivideo.handlers(), { concurrency = 0 })
      end,
      ['"lease" must be a number of seconds'] = function() inbox:work(apivideo.handlers(), { lease = 0 }) end,
      ["apivideo.cancellation()"] = function() inbox:work(apivideo.handlers(), { cancel = {} }) end,
      ["waiting, claimed, dead or done"] = function() inbox:list { state = "lost" } end,
      ["state must be dead or done"] = function() inbox:purge { state = "waiting" } end,
      ['"limit" must be an integer of at least 1'] = function() inbox:claim { limit = 0 } end,
      ['"lease" must be a number of seconds above 0'] = function() inbox:claim { lease = 0 / 0 } end,
      ['"after" must be an integer of at least 0'] = function() inbox:list({ state = "dead" }, { after = -1 }) end,
      ['"age" must be a number'] = function() inbox:purge({ state = "dead" }, { age = "1" }) end,
      ["it has a NUL"] = function() inbox:put { event = {}, raw = "\0" } end,
      ['inbox:redrive: filter: option "id" must be an integer of at least 1, got table'] = function()
        inbox:redrive { id = {} }
      end,
    } do
      local message = misuse(fn)
      assert.truthy(message:find(expected, 1, true), message)
    end
  end)
end)
