-- An inbox with an unavailable store, and its spool.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local json = require "apivideo.util.json"
local memory = require "apivideo.inbox.memory"
local runtime = require "apivideo.runtime"
local spools = require "apivideo.inbox.spool"
local wait_for = require "spec.support.wait"

local SECRET, STARTED, failing = inboxes.SECRET, inboxes.STARTED, inboxes.failing
local raw_of, caption, printed_by = inboxes.raw_of, inboxes.caption, inboxes.printed_by

describe("the spool of an inbox", function()
  local store, inbox, receiver

  before_each(function()
    store = failing(memory())
    inbox = apivideo.inbox { store = store }
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
  end)

  local function deliver(raw) return inboxes.deliver(receiver, raw) end

  local function stats() return assert(inbox:stats()) end

  local spool

  local function new()
    inbox = apivideo.inbox { store = store, spool = spool }
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET }
  end

  before_each(function()
    spool = failing(memory())
    new()
  end)

  local function captions()
    local ids = {}
    for i, entry in ipairs(assert(inbox:list { state = "waiting" })) do ids[i] = entry.event.captionId end
    return table.concat(ids)
  end

  it("is not used while the store is available", function()
    spool.down = true
    assert.equal(204, deliver(caption "a"))
    assert.equal("a", captions())
  end)

  it("stores events while the store is unavailable, and forwards them in order, once", function()
    local printed = printed_by(function()
      assert.equal(204, deliver(caption "a"))
      store.down = true
      for id in ("bcabd"):gmatch "." do assert.equal(204, deliver(caption(id))) end
      assert.equal(4, assert(spool:stats()).waiting)
      store.down = false
      assert.truthy(receiver:metrics():find('apivideo_inbox_events{state="spooled"} 4\n', 1, true))
      assert.equal(204, deliver(caption "e")) -- not before the others
      wait_for(function() return stats().waiting == 5 and stats().spooled == 0 end, "the spooled events")
    end)
    assert.equal("abcde", captions())
    assert.truthy(printed:find("events are spooled on this machine, since the store failed: .*no space"))
    local _, count = printed:gsub("the store is available again, after %d+%.%d s; the spooled events are forwarded", "")
    assert.equal(1, count, printed)
    printed = printed_by(function() assert.equal(204, deliver(caption "f")) end)
    assert.is_nil(printed:find("available again", 1, true))
    assert.equal("abcdef", captions())
    assert.same({}, spool:list({ state = "waiting" }, { limit = 10 }))
  end)

  it("stays in use for an event that is spooled while it is found empty", function()
    local stored, is_forwarded, is_counted, proceed = spool, false, runtime.latch(), runtime.latch()
    spool = setmetatable({}, { __index = stored })
    function spool.remove(_, ...)
      is_forwarded = true
      return stored:remove(...)
    end
    function spool.stats(_) -- the first call after that is slow: it is of the task that forwards
      local counts = stored:stats()
      if is_forwarded and not is_counted:is_open() then
        is_counted:open()
        proceed:wait()
      end
      return counts
    end
    new()
    printed_by(function()
      store.down = true
      assert.equal(204, deliver(caption "a"))
      store.down = false
      is_counted:wait()
      store.down = true
      assert.equal(204, deliver(caption "b"))
      store.down = false
      proceed:open()
      wait_for(function() return stats().waiting == 2 and stats().spooled == 0 end, "both events")
    end)
    assert.equal("ab", captions())
  end)

  it("forwards the origin of an event, also of a derived one", function()
    local event = apivideo.events:sample "apivideo.video.failed"
    store.down = true
    printed_by(function()
      assert.is_true(inbox:put { event = event, raw = json.encode(event), origin = "reconcile" })
      store.down = false
      inbox:forward()
    end)
    local entry = assert(store:list({ state = "waiting" }, { limit = 1 }))[1]
    assert.equal("reconcile", entry.origin)
    assert.same(event, inbox:list({ state = "waiting" })[1].event)
  end)

  it("applies the window to the times of receipt, not to the times of forwarding", function()
    local function spooled(time, seconds_ago)
      local raw = raw_of(STARTED, { emittedAt = ("2024-01-01T00:00:0%dZ"):format(time) })
      local key, occurrence = apivideo.events:key(apivideo.events:parse(raw))
      return { key = key, occurrence = occurrence, raw = raw, verified = true,
        received_at = 1, age = seconds_ago }
    end
    assert(spool:put({ spooled(1, 100), spooled(2, 60), spooled(3, 3) }, 0))
    assert.equal(204, deliver(raw_of(STARTED, { emittedAt = "2024-01-01T00:00:04Z" })))
    wait_for(function() return stats().spooled == 0 end, "the spooled events")
    assert.equal(3, stats().waiting) -- the last two are duplicates
  end)

  it("forwards events of an earlier process: at the next event, or with inbox:work", function()
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

  it("responds 503 when both are unavailable", function()
    store.down, spool.down = true, true
    printed_by(function() assert.equal(503, deliver(caption "a")) end)
  end)

  it("is checked again after it could not be read, and does not prevent puts into the store until then", function()
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

  it("forwards bytes that cannot be parsed as a dead letter of the store, and continues", function()
    printed_by(function()
      assert(spool:put({ { key = "x", raw = "{}", lane = "spool", verified = true, received_at = 1 } }, 0))
      deliver(caption "a")
      wait_for(function() return stats().waiting == 1 end, "the spooled event")
    end)
    local dead = assert(inbox:list { state = "dead" })
    assert.equal(1, #dead)
    assert.equal("{}", dead[1].raw)
    assert.truthy(dead[1].error:find("bad_event", 1, true))
    assert.same({ waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = false }, spool:stats())
  end)

  it("forwards an item that arrived with an error, without a dead letter in the spool", function()
    local forwarding = spools.new(store, spool, 20, function(entry)
      return { key = entry.raw, raw = entry.raw, verified = true, received_at = 1, error = "cannot be parsed" }
    end)
    printed_by(function()
      store.down = true
      local item = { key = "x", raw = "x", verified = true, received_at = 1, error = "no event" }
      assert.same({ true }, forwarding:put({ item }, 20))
      store.down = false
      forwarding:forward()
    end)
    assert.equal("cannot be parsed", assert(store:list({ state = "dead" }, { limit = 10 }))[1].error)
    assert.equal(0, assert(spool:stats()).dead)
  end)

  it("keeps no key of a forwarded event: the same event is stored in the next outage", function()
    local items = {}
    for i = 1, 3500 do items[i] = { key = tostring(i), raw = tostring(i), verified = true, received_at = 1 } end
    local forwarding = spools.new(store, spool, 20, function(entry)
      return { key = entry.raw, raw = entry.raw, verified = true, received_at = 1 }
    end)
    printed_by(function()
      store.down = true
      assert(forwarding:put(items, 20))
      store.down = false
      forwarding:forward()
      assert.equal(3500, assert(store:stats()).waiting)
      store = failing(memory()) -- all events were handled, and their retention has ended
      forwarding.store = store
      store.down = true
      assert.same({ true, true }, forwarding:put({ items[7], items[3500] }, 20))
      store.down = false
      forwarding:forward()
    end)
    assert.equal(2, assert(store:stats()).waiting)
  end)

  describe("with a fault between the store and the spool", function()
    local forwarding

    -- Spools events, and forwards them with a store in which the method `name` fails once, before or after its effect;
    -- after a crash another process continues.
    local function forward_with_fault(target, name, is_done, is_crash)
      forwarding = spools.new(store, spool, 20, function(entry)
        return { key = entry.raw, raw = entry.raw, verified = true, received_at = 1 }
      end)
      printed_by(function()
        store.down = true
        for raw in ("abc"):gmatch "." do
          assert(forwarding:put({ { key = raw, raw = raw, verified = true, received_at = 1 } }, 20))
        end
        store.down = false
        local failed = false
        local method = target[name]
        target[name] = function(...)
          if failed then return method(...) end
          failed = true
          if is_done then method(...) end
          if is_crash then error "crash" end
          return nil, errors.new("store_unavailable", "no reply")
        end
        local monotonic, skipped = core.monotonic, 0
        core.monotonic = function() return monotonic() + skipped end
        local ok, problem = pcall(function()
          for _ = 1, 10 do
            if not pcall(forwarding.forward_one, forwarding) then
              forwarding = spools.new(store, spool, 20, forwarding.item_of)
            end
            skipped = skipped + 11 -- leases in the spool expire
          end
        end)
        core.monotonic = monotonic
        assert(ok, problem)
        assert.is_true(failed)
      end)
    end

    for _, target in ipairs { "store", "spool" } do
      for _, name in ipairs(target == "store" and { "put" } or { "claim", "list", "remove" }) do
        for _, is_done in ipairs { false, true } do
          for _, is_crash in ipairs { false, true } do
            it(("loses no event and keeps the order: %s.%s %s %s its effect"):format(target, name,
              is_crash and "crashes" or "fails", is_done and "after" or "before"), function()
              forward_with_fault(target == "store" and store or spool, name, is_done, is_crash)
              local waiting = assert(store:list({ state = "waiting" }, { limit = 10 }))
              assert.same({ "a", "b", "c" }, inboxes.raws_of(waiting))
              assert.same({ waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = false }, spool:stats())
            end)
          end
        end
      end
    end
  end)

  it("drops no broadcast because of the window while its opposite is not in the store yet", function()
    local function broadcast(key, occurrence, opposite)
      return { key = key, occurrence = occurrence, opposite = opposite, raw = key, verified = true, received_at = 1 }
    end
    local known = {
      s1 = broadcast("s1", "s", "e"), e1 = broadcast("e1", "e", "s"), s2 = broadcast("s2", "s", "e"),
      e2 = broadcast("e2", "e", "s"), s3 = broadcast("s3", "s", "e"),
    }
    local forwarding = spools.new(store, spool, 20, function(entry) return known[entry.raw] end)
    -- Forwarded events are ordered by their ages, which are as exact as the calls that measure them are fast.
    local function put(item)
      runtime.sleep(0.2)
      assert.same({ true }, forwarding:put({ item }, 20))
    end
    printed_by(function()
      put(known.s1)
      store.down = true
      put(known.e1)
      store.down, spool.down = false, true
      put(known.s2) -- the store has s1, and no e1 yet
      spool.down, store.down = false, true
      put(known.e2)
      put(known.s3)
      store.down = false
      forwarding:forward()
    end)
    assert.equal(5, assert(store:stats()).waiting)
  end)

  it("logs which spooled event the store dropped as a retry", function()
    local known = {
      a = { key = "a", occurrence = "live", raw = "a", verified = true, received_at = 1 },
      b = { key = "b", occurrence = "live", raw = "b", verified = true, received_at = 1 },
    }
    local forwarding = spools.new(store, spool, 20, function(entry) return known[entry.raw] end)
    local printed = printed_by(function()
      store.down = true
      assert(forwarding:put({ known.a, known.b }, 20))
      store.down = false
      forwarding:forward()
    end)
    assert.equal(1, assert(store:stats()).waiting)
    assert.truthy(printed:find("dropped as a retry: live of", 1, true))
  end)

  it("is counted while the store is unavailable, with its oldest event", function()
    printed_by(function()
      store.down = true
      for id in ("abc"):gmatch "." do deliver(caption(id)) end
    end)
    local counts = stats()
    assert.equal(3, counts.spooled)
    assert.equal("store_unavailable", counts.error.kind)
    assert.is_nil(counts.waiting)
    assert.is_true(counts.oldest >= 0 and counts.oldest < 60)
    local text = receiver:metrics()
    assert.truthy(text:find('apivideo_inbox_events{state="spooled"} 3\n', 1, true))
    assert.truthy(text:find "apivideo_inbox_oldest_seconds %d")
    assert.is_nil(text:find('state="waiting"', 1, true))
    spool.down = true
    local nothing, err = inbox:stats()
    assert.is_nil(nothing)
    assert.equal("store_unavailable", err.kind)
    assert.is_nil(receiver:metrics():find("apivideo_inbox_events", 1, true))
    store.down = false
    assert.equal(0, stats().waiting)
    assert.is_nil(stats().spooled)
  end)

  it("starts a new task in a forked process", function()
    local spawn, spawned, process_id = runtime.spawn, 0, core.process_id
    runtime.spawn = function() spawned = spawned + 1 end
    local forwarding = spools.new(store, spool, 20, function() end)
    local ok, problem = pcall(printed_by, function()
      store.down = true
      for _ = 1, 2 do assert(forwarding:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20)) end
      assert.equal(1, spawned)
      core.process_id = function() return process_id() + 1 end
      for _ = 1, 2 do assert(forwarding:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20)) end
      assert.equal(2, spawned)
    end)
    runtime.spawn, core.process_id = spawn, process_id
    assert(ok, problem)
  end)

  it("is forwarded in order by several processes", function()
    local put = store.put
    printed_by(function()
      store.down = true
      for id in ("abcdefghij"):gmatch "." do deliver(caption(id)) end
      store.down = false
      store.put = function(...) -- it yields
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

  it("is not forwarded after the inbox was closed", function()
    local returned = false
    printed_by(function()
      store.down = true
      assert.equal(204, deliver(caption "a"))
      inbox:close()
      apivideo.spawn(function()
        inbox:forward()
        returned = true
      end)
      wait_for(function() return returned end, "the end of the task that forwards")
      local spawn, spawned = runtime.spawn, 0
      runtime.spawn = function(fn, ...)
        if fn == inbox._spool.forward then spawned = spawned + 1 else spawn(fn, ...) end
      end
      deliver(caption "b")
      runtime.spawn = spawn
      assert.equal(0, spawned)
    end)
  end)
end)
