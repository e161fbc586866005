-- Upkeep while handlers work on an inbox: renewed leases, and purges.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local runtime = require "apivideo.runtime"
local upkeep = require "apivideo.inbox.upkeep"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local caption, printed_by = inboxes.caption, inboxes.printed_by
local deliver, work, wait_until = working.deliver, working.work, working.wait_until

describe("inbox:work", function()
  before_each(working.start)
  after_each(working.stop)

  it("renews its claim while a handler runs longer than the lease", function()
    local runs = 0
    working.handlers:on("video.*", function()
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
    assert(working.inbox:claim { lease = 0.02 })
    local runs = 0
    working.handlers:on("video.*", function() runs = runs + 1 end)
    work { max_attempts = 1 }
    wait_until("dead", 1)
    assert.equal(0, runs)
    local dead = working.inbox:list { state = "dead" }
    assert.truthy(dead[1].error:find("attempt 1 was started and did not end", 1, true))
  end)

  it("renews all its claims with a store that yields", function()
    local extend = working.store.extend
    working.store.extend = function(...)
      runtime.sleep(0.002)
      return extend(...)
    end
    local runs = 0
    working.handlers:on("video.*", function()
      runs = runs + 1
      apivideo.sleep(0.3)
    end)
    for i = 1, 60 do deliver(caption(tostring(i))) end
    work { concurrency = 10, lease = 3 }
    wait_until("done", 60)
    assert.equal(60, runs)
  end)

  it("renews the other leases although one renewal raises", function()
    local extend, runs = working.store.extend, 0
    working.store.extend = function(_, id, ...)
      if id == 1 then error "a bug in extend" end
      return extend(working.store, id, ...)
    end
    working.handlers:on("video.*", function(event, delivery)
      if event.captionId ~= "1" then runs = runs + 1 end
      if delivery.attempt == 1 then apivideo.sleep(1.5) end
    end)
    for i = 1, 3 do deliver(caption(tostring(i))) end
    local printed = printed_by(function()
      work { concurrency = 4, lease = 1 }
      wait_until("done", 3)
    end)
    assert.equal(2, runs)
    assert.truthy(printed:find("worker failed: spec/inbox/worker_upkeep_spec.lua:%d+: a bug in extend; stack:"),
      printed)
  end)

  it("renews leases while a purge takes longer than a lease", function()
    local interval = upkeep.PURGE_INTERVAL_S
    upkeep.PURGE_INTERVAL_S = 0
    finally(function() upkeep.PURGE_INTERVAL_S = interval end)
    local runs, batches = 0, 0
    working.store.expire = function() -- of a million entries, say
      runtime.sleep(0.1)
      batches = batches + 1
      return 1000
    end
    working.handlers:on("video.*", function()
      runs = runs + 1
      apivideo.sleep(4)
    end)
    deliver(caption "a")
    local ended = work { concurrency = 2, lease = 3 }
    wait_until("done", 1)
    assert.equal(1, runs)
    assert.is_true(batches > 3)
    working.cancel:cancel()
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
    working.store.expire = function()
      purges = purges + 1
      if purges == 1 then error "a bug in expire" end
      return 0
    end
    local printed = printed_by(function()
      work { lease = 0.05 }
      wait_for(function() return purges == 2 end, "another purge")
    end)
    assert.truthy(printed:find("a bug in expire; stack:", 1, true))
  end)

  it("purges handled events after the retention", function()
    local interval = upkeep.PURGE_INTERVAL_S
    upkeep.PURGE_INTERVAL_S = 0.05
    finally(function() upkeep.PURGE_INTERVAL_S = interval end)
    working.over { retention = 0.3 }
    working.handlers:on("video.*", function() end)
    work()
    for times = 1, 2 do
      deliver(caption "a")
      wait_for(function() return #working.settlements == times end, "the handler")
      wait_until("done", 0)
    end
  end)
end)
