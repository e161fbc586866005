-- Handlers at work on an inbox.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local runtime = require "apivideo.runtime"
local upkeep = require "apivideo.inbox.upkeep"
local wait_for = require "spec.support.wait"
local worker = require "apivideo.inbox.worker"

local SECRET, failing = inboxes.SECRET, inboxes.failing
local raw_of, caption, printed_by = inboxes.raw_of, inboxes.caption, inboxes.printed_by

describe("inbox:work", function()
  local store, inbox, receiver

  before_each(function()
    store = failing(memory())
    inbox = apivideo.inbox { store = store }
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, log = function() end }
  end)

  local function deliver(raw) return inboxes.deliver(receiver, raw) end

  local function stats() return assert(inbox:stats()) end

  local handlers, cancel, settlements

  before_each(function()
    handlers, cancel, settlements = apivideo.handlers(), apivideo.cancellation(), {}
  end)

  after_each(function() cancel:cancel() end)

  local function work(more)
    local settled = settlements -- of this test: the work may outlast it
    local given = { cancel = cancel, backoff = 0.01, log = function(s) settled[#settled + 1] = s end }
    for name, value in pairs(more or {}) do given[name] = value end
    local ended = runtime.latch()
    apivideo.spawn(function() ended:open(inbox:work(handlers, given)) end)
    return ended
  end

  local function wait_until(state, count)
    wait_for(function() return stats()[state] == count end, count .. " " .. state)
  end

  it("settles an attempt although its handler has changed the event and the delivery", function()
    handlers:on("video.*", function(event, delivery)
      event.type, delivery.attempt = {}, nil
      error "away"
    end)
    deliver(caption "a")
    local printed = printed_by(function()
      apivideo.spawn(function() inbox:work(handlers, { cancel = cancel, backoff = 0.01, attempts = 2 }) end)
      wait_until("dead", 1)
    end)
    assert.matches("attempt 1%) failed, next attempt in", printed)
    assert.matches("attempt 2%) failed and is a dead letter", printed)
    assert.matches("away", inbox:list("dead")[1].error)
  end)

  it("shows the fields of a permanent failure that is a table", function()
    handlers:on("video.*", function() return apivideo.permanent { code = 5 } end)
    deliver(caption "a")
    work()
    wait_until("dead", 1)
    assert.equal("{ code = 5 }", inbox:list("dead")[1].error)
  end)

  it("passes each event to its handlers, and completes it", function()
    local seen = {}
    handlers:on("video.*", function(event, delivery) seen[#seen + 1] = event.captionId .. delivery.attempt end)
    deliver(caption "a")
    local ended = work()
    deliver(caption "b")
    wait_until("done", 2)
    assert.same({ "a1", "b1" }, seen)
    assert.equal("completed", settlements[1].disposition)
    assert.equal(1, settlements[1].handled)
    cancel:cancel()
    assert.is_true(ended:wait(5))
    deliver(caption "c")
    assert.equal(1, stats().waiting)
  end)

  it("retries an event for which an application's own dispatch returns nil and any value", function()
    for _, returned in ipairs { "boom", {}, false } do
      local count = stats().dead
      handlers = { dispatch = function() return nil, returned or nil end }
      deliver(caption(tostring(count)))
      local ended = work { attempts = 2 }
      wait_until("dead", count + 1)
      assert.equal("retried", settlements[2 * count + 1].disposition)
      local dead = inbox:list "dead"
      assert.equal(returned == "boom" and "boom" or "the handlers failed", dead[#dead].error)
      cancel:cancel()
      assert.is_true(ended:wait(5))
      cancel = apivideo.cancellation()
    end
  end)

  it("retries a failed event with growing delays, then dead-letters it", function()
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
      assert.equal("retried", settlements[i].disposition)
      local most = 0.01 * 2 ^ (i - 1)
      assert.is_true(settlements[i].delay >= most / 2 and settlements[i].delay <= most)
      assert.is_true(times[i + 1] - times[i] >= settlements[i].delay * 0.99)
    end
    assert.equal("dead_lettered", settlements[4].disposition)
  end)

  it("handles a redriven dead letter with all its attempts", function()
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

  it("dead-letters at once only if all failures are permanent", function()
    handlers:on("video.*", function() return apivideo.permanent("never") end)
    handlers:on("video.caption.generated", function() error("perhaps", 0) end)
    deliver(caption "a")
    work { attempts = 2 }
    wait_until("dead", 1)
    assert.truthy(inbox:list("dead")[1].error:find("^never; perhaps; stack: spec/inbox/worker_spec.lua:%d+ in"))
    assert.equal(2, #settlements)
  end)

  it("stores at most 1000 bytes of an error, including its stack", function()
    handlers:on("video.*", function() error(("x"):rep(5000), 0) end)
    handlers:on("video.caption.*", function() return nil, ("y"):rep(5000) end)
    deliver(caption "a")
    work { attempts = 1 }
    wait_until("dead", 1)
    local stored = inbox:list("dead")[1].error
    assert.equal(1000, #stored)
    assert.truthy(stored:find("^x+; stack: spec/inbox/worker_spec.lua:%d+ in .*; y+$"))
  end)

  it("stores at most 1000 bytes of the error that a claim is dead-lettered with, in one line", function()
    deliver(caption "a")
    assert(inbox:claim()[1]:dead_letter("line\n" .. ("x"):rep(5000)))
    local stored = inbox:list("dead")[1].error
    assert.equal(1000, #stored)
    assert.truthy(stored:find "^line x+$")
  end)

  it("renews its claim while a handler runs longer than the lease", function()
    local runs = 0
    handlers:on("video.*", function()
      runs = runs + 1
      apivideo.sleep(3.5)
    end)
    deliver(caption "a")
    work { lease = 3, concurrency = 2 }
    wait_until("done", 1)
    assert.equal(1, runs)
  end)

  it("claims the events of a worker that died, and dead-letters events that kill workers", function()
    deliver(caption "a")
    assert(inbox:claim { lease = 0.02 })
    local runs = 0
    handlers:on("video.*", function() runs = runs + 1 end)
    work { attempts = 1 }
    wait_until("dead", 1)
    assert.equal(0, runs)
    assert.truthy(inbox:list("dead")[1].error:find("1 attempts began and did not end", 1, true))
  end)

  it("handles several events at once, limited by the option concurrency", function()
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

  it("completes several events in one call of the store, and retries that while it is unavailable", function()
    local runs, batches = 0, {}
    handlers:on("video.*", function() runs = runs + 1 end)
    store.complete_all = function(_, claims)
      batches[#batches + 1] = #claims
      if #batches == 1 then return nil, { kind = "store_unavailable" } end
      local results = {}
      for i, claim in ipairs(claims) do results[i] = store:complete(claim.id, claim.token) end
      return results
    end
    for i = 1, 12 do deliver(caption(tostring(i))) end
    work { concurrency = 4 }
    wait_until("done", 12)
    wait_for(function() return #settlements == 12 end, "the end")
    assert.equal(12, runs)
    assert.equal(4, batches[1])
    for _, settlement in ipairs(settlements) do assert.equal("completed", settlement.disposition) end
  end)

  it("logs each lost claim of those that are completed in one call", function()
    handlers:on("video.*", function() end)
    store.complete_all = function(_, claims)
      local results = {}
      for i, claim in ipairs(claims) do
        results[i] = claim.event.captionId ~= "2" and store:complete(claim.id, claim.token)
      end
      return results
    end
    for i = 1, 3 do deliver(caption(tostring(i))) end
    work { concurrency = 3 }
    wait_until("done", 2)
    wait_for(function() return #settlements == 3 end, "the end")
    local dispositions = {}
    for _, settlement in ipairs(settlements) do dispositions[settlement.event.captionId] = settlement.disposition end
    assert.same({ ["1"] = "completed", ["2"] = "lost", ["3"] = "completed" }, dispositions)
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

  it("continues as a new task after some time", function()
    local limit = worker.TASK_MAX_S
    worker.TASK_MAX_S = 0.01
    finally(function() worker.TASK_MAX_S = limit end)
    handlers:on("video.*", function() apivideo.sleep(0.005) end)
    local ended = work { concurrency = 3, lease = 0.03 }
    for i = 1, 30 do deliver(caption(tostring(i))) end
    wait_until("done", 30)
    cancel:cancel()
    assert.is_true(ended:wait(5))
  end)

  it("continues as a new task after some events", function()
    local steps = worker.TASK_MAX_STEPS
    worker.TASK_MAX_STEPS = 2
    finally(function() worker.TASK_MAX_STEPS = steps end)
    local tasks = {}
    handlers:on("video.*", function() tasks[coroutine.running()] = true end)
    for i = 1, 12 do deliver(caption(tostring(i))) end
    work()
    wait_until("done", 12)
    local count = 0
    for _ in pairs(tasks) do count = count + 1 end
    assert.is_true(count >= 5)
  end)

  it("waits for an unavailable store", function()
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

  it("settles an event when the store is available again", function()
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
    assert.equal("completed", settlements[1].disposition)
    assert.equal(1, stats().done)
    assert.equal(1, runs)
  end)

  it("yields to other tasks while events are always ready", function()
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

  it("survives errors that cannot be converted to text, and a store that raises", function()
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

  it("renews all its claims with a store that yields", function()
    local extend = store.extend
    store.extend = function(...)
      runtime.sleep(0.002)
      return extend(...)
    end
    local runs = 0
    handlers:on("video.*", function()
      runs = runs + 1
      apivideo.sleep(0.3)
    end)
    for i = 1, 60 do deliver(caption(tostring(i))) end
    work { concurrency = 10, lease = 3 }
    wait_until("done", 60)
    assert.equal(60, runs)
  end)

  it("renews the other leases although one renewal raises", function()
    local extend, runs = store.extend, 0
    store.extend = function(_, id, ...)
      if id == 1 then error "a bug in extend" end
      return extend(store, id, ...)
    end
    handlers:on("video.*", function(event, delivery)
      if event.captionId ~= "1" then runs = runs + 1 end
      if delivery.attempt == 1 then apivideo.sleep(1.5) end
    end)
    for i = 1, 3 do deliver(caption(tostring(i))) end
    local printed = printed_by(function()
      work { concurrency = 4, lease = 1 }
      wait_until("done", 3)
    end)
    assert.equal(2, runs)
    assert.truthy(printed:find("worker failed: spec/inbox/worker_spec.lua:%d+: a bug in extend; stack:"), printed)
  end)

  it("renews leases while a purge takes longer than a lease", function()
    local interval = upkeep.PURGE_INTERVAL_S
    upkeep.PURGE_INTERVAL_S = 0
    finally(function() upkeep.PURGE_INTERVAL_S = interval end)
    local runs, batches = 0, 0
    store.purge = function() -- of a million entries, say
      runtime.sleep(0.1)
      batches = batches + 1
      return 1000
    end
    handlers:on("video.*", function()
      runs = runs + 1
      apivideo.sleep(4)
    end)
    deliver(caption "a")
    local ended = work { concurrency = 2, lease = 3 }
    wait_until("done", 1)
    assert.equal(1, runs)
    assert.is_true(batches > 3)
    cancel:cancel()
    assert.is_true(ended:wait(5))
    local last = batches
    runtime.sleep(0.3)
    assert.is_true(batches <= last + 1) -- the purge has ended, too
  end)

  it("purges again after a purge that raised", function()
    local interval = upkeep.PURGE_INTERVAL_S
    upkeep.PURGE_INTERVAL_S = 0.01
    finally(function() upkeep.PURGE_INTERVAL_S = interval end)
    local purges = 0
    store.purge = function()
      purges = purges + 1
      if purges == 1 then error "a bug in purge" end
      return 0
    end
    local printed = printed_by(function()
      work { lease = 0.05 }
      wait_for(function() return purges == 2 end, "another purge")
    end)
    assert.truthy(printed:find("a bug in purge; stack:", 1, true))
  end)

  it("retries an event whose dispatch raises, with handlers of the application's own", function()
    local runs = 0
    handlers = { dispatch = function()
      runs = runs + 1
      if runs == 1 then error "a bug in dispatch" end
      return 1
    end }
    deliver(caption "a")
    work()
    wait_until("done", 1)
    assert.equal("retried", settlements[1].disposition)
    assert.truthy(settlements[1].errors[1]:find("a bug in dispatch", 1, true))
    assert.truthy(settlements[1].tracebacks[1]:find("worker_spec.lua", 1, true))
  end)

  it("continues although the log raises, yields to another scheduler, or does not return", function()
    local ways = { function() error "a bug in log" end, coroutine.yield, function() runtime.latch():wait() end }
    handlers:on("video.*", function() end)
    for i = 1, 4 do deliver(caption(tostring(i))) end
    local count, ended = 0, nil
    local printed = printed_by(function()
      ended = work { lease = 0.5, handler_timeout = 0.5, log = function()
        count = count + 1
        if ways[count] then ways[count]() end
      end }
      wait_until("done", 4)
      wait_for(function() return count == 4 end, "the log")
      cancel:cancel()
      assert.is_true(ended:wait(5))
    end)
    assert.truthy(printed:find("option \"log\" failed: spec/inbox/worker_spec.lua:%d+: a bug in log; stack:"), printed)
    assert.truthy(printed:find("the settling of event 3 did not end", 1, true), printed)
  end)

  it("rejects a time limit that is not a number of seconds", function()
    for _, bad in ipairs { 0, -1, 0 / 0 } do
      local ok, err = pcall(inbox.work, inbox, handlers, { handler_timeout = bad })
      assert.is_false(ok)
      assert.truthy(err:find('option "handler_timeout" must be a number of seconds above 0', 1, true))
    end
  end)

  it("logs failures, dead letters and events without a handler by default", function()
    handlers:on("video.caption.generated", function() return nil, "out of luck sig_sec_abcdef" end)
    local printed = printed_by(function()
      deliver(caption "a")
      deliver(raw_of "video.summary.generated")
      apivideo.spawn(function() inbox:work(handlers, { cancel = cancel, attempts = 2, backoff = 0.01 })
 end)
      wait_until("dead", 1)
      wait_until("done", 1)
    end)
    assert.truthy(printed:find("video.caption.generated (attempt 1) failed, next attempt in 0 s: out of luck", 1, true))
    assert.truthy(printed:find("a dead letter; see inbox:list(\"dead\")", 1, true))
    assert.truthy(printed:find("completed without a handler: video.summary.generated", 1, true))
    assert.is_nil(printed:find("abcdef", 1, true))
    assert.is_nil(inbox:list("dead")[1].error:find("abcdef", 1, true))
  end)

  it("purges handled events after the retention", function()
    local interval = upkeep.PURGE_INTERVAL_S
    upkeep.PURGE_INTERVAL_S = 0.05
    finally(function() upkeep.PURGE_INTERVAL_S = interval end)
    inbox = apivideo.inbox { store = store, retention = 0.3 }
    receiver = apivideo.receiver { inbox = inbox, secrets = SECRET, log = function() end }
    handlers:on("video.*", function() end)
    work()
    for times = 1, 2 do
      deliver(caption "a")
      wait_for(function() return #settlements == times end, "the handler")
      wait_until("done", 0)
    end
  end)
end)
