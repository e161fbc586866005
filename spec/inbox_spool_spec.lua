-- An inbox whose store is away, and its spool.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local SECRET, STARTED, failing = inboxes.SECRET, inboxes.STARTED, inboxes.failing
local raw_of, caption, printed_by = inboxes.raw_of, inboxes.caption, inboxes.printed_by

describe("the spool of an inbox", function()
  local store, inbox, receiver

  before_each(function()
    store = failing(memory())
    inbox = apivideo.inbox { store = store }
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, log = function() end }
  end)

  local function deliver(raw) return inboxes.deliver(receiver, raw) end

  local function stats() return assert(inbox:stats()) end

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
      assert.truthy(receiver:metrics():find('apivideo_inbox_events{state="spooled"} 4\n', 1, true))
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

  it("forwards what cannot be parsed as a dead letter of the store, and goes on", function()
    printed_by(function()
      assert(spool:put({ { key = "x", raw = "{}", lane = "spool", verified = true, received_at = 1 } }, 0))
      deliver(caption "a")
      wait_for(function() return stats().waiting == 1 end, "the spooled event")
    end)
    assert.equal(0, assert(spool:stats()).dead)
    assert.equal("{}", assert(inbox:list "dead")[1].raw)
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
