-- Handlers at work on an inbox whose store fails, or completes several claims in one call.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local runtime = require "apivideo.runtime"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local caption, printed_by = inboxes.caption, inboxes.printed_by
local deliver, stats, work, wait_until = working.deliver, working.stats, working.work, working.wait_until

describe("inbox:work", function()
  before_each(working.start)
  after_each(function()
    working.stop()
    testing.clock:reset()
  end)

  it("completes several events in one call of the store, and retries that while it is unavailable", function()
    local runs, batches = 0, {}
    working.handlers:on("video.*", function() runs = runs + 1 end)
    working.store.complete_all = function(_, claims)
      batches[#batches + 1] = #claims
      if #batches == 1 then return nil, { kind = "store_unavailable" } end
      local results = {}
      for i, claim in ipairs(claims) do results[i] = working.store:complete(claim.id, claim.token) end
      return results
    end
    for i = 1, 12 do deliver(caption(tostring(i))) end
    work { concurrency = 4 }
    wait_until("done", 12)
    wait_for(function() return #working.settlements == 12 end, "the end")
    assert.equal(12, runs)
    assert.equal(4, batches[1])
    for _, settlement in ipairs(working.settlements) do assert.equal("completed", settlement.disposition) end
  end)

  it("logs each lost claim of those that are completed in one call", function()
    working.handlers:on("video.*", function() end)
    working.store.complete_all = function(_, claims)
      local results = {}
      for i, claim in ipairs(claims) do
        results[i] = claim.id ~= 2 and working.store:complete(claim.id, claim.token)
      end
      return results
    end
    for i = 1, 3 do deliver(caption(tostring(i))) end
    work { concurrency = 3 }
    wait_until("done", 2)
    wait_for(function() return #working.settlements == 3 end, "the end")
    local dispositions = {}
    for _, settlement in ipairs(working.settlements) do
      dispositions[settlement.event.captionId] = settlement.disposition
    end
    assert.same({ ["1"] = "completed", ["2"] = "lost", ["3"] = "completed" }, dispositions)
  end)

  it("has the disposition of the store although the first response of the store was lost", function()
    for _, method in ipairs { "complete", "retry", "dead_letter" } do
      local original, calls = working.store[method], 0
      working.store[method] = function(_, ...)
        calls = calls + 1
        local ok, err = original(working.store, ...)
        if calls == 1 then return nil, errors.new("store_unavailable", "no reply") end
        return ok, err
      end
    end
    working.handlers:on("video.*", function(event, delivery)
      if event.captionId == "dead" then return apivideo.permanent "no" end
      if event.captionId == "retry" and delivery.attempt == 1 then return nil, "no" end
    end)
    for _, id in ipairs { "done", "dead", "retry" } do deliver(caption(id)) end
    local printed = printed_by(function()
      work()
      wait_for(function() return #working.settlements == 4 end, "all attempts")
    end)
    local counts = {}
    for _, settlement in ipairs(working.settlements) do
      counts[settlement.disposition] = (counts[settlement.disposition] or 0) + 1
    end
    assert.same({ completed = 2, dead_lettered = 1, retried = 1 }, counts)
    assert.is_nil(printed:find("will be handled again", 1, true))
  end)

  it("has lost a claim whose lease has expired during an outage of the store", function()
    local complete, calls = working.store.complete, 0
    working.store.complete = function(_, ...)
      calls = calls + 1
      if calls > 1 then return complete(working.store, ...) end
      assert(working.store:retry(1, (assert(working.store:list({}, { limit = 1 }))[1].token), 60, "by another worker"))
      return nil, errors.new("store_unavailable", "no reply")
    end
    working.handlers:on("video.*", function() end)
    deliver(caption "a")
    printed_by(function()
      work()
      wait_for(function() return #working.settlements == 1 end, "the attempt")
    end)
    assert.equal("lost", working.settlements[1].disposition)
  end)

  it("handles the events of a transaction that takes longer than a put waits, at their first attempt", function()
    local claim, finished, calls = working.store.claim, runtime.latch(), 0
    working.store.complete_all = function() return nil, { kind = "store_unavailable" } end
    working.store.claim = function(_, ...)
      calls = calls + 1
      if calls == 1 then finished:wait() end
      return claim(working.store, ...)
    end
    local attempts = {}
    working.handlers:on("video.*", function(_, delivery) attempts[#attempts + 1] = delivery.attempt end)
    for i = 1, 4 do deliver(caption(tostring(i))) end
    printed_by(function()
      work { concurrency = 4, lease = 1000 }
      wait_for(function() return calls == 1 end, "the transaction")
      testing.clock:advance(10)
      for _ = 1, 20 do runtime.pass() end
      finished:open()
      wait_for(function() return #attempts == 4 end, "the handlers")
    end)
    assert.same({ 1, 1, 1, 1 }, attempts)
  end)

  it("waits for an unavailable store", function()
    local printed = printed_by(function()
      working.store.down = true
      work()
      runtime.sleep(0.05)
      working.store.down = false
      for i = 1, 2 do
        deliver(caption(tostring(i)))
        wait_until("done", i)
      end
    end)
    assert.truthy(printed:find("inbox: the store is unavailable, retrying: .*no space"))
    local _, count = printed:gsub("warn apivideo: inbox: the store is available again, after %d+%.%d s\n", "")
    assert.equal(1, count, printed)
  end)

  it("logs each reason of an outage once", function()
    local printed = printed_by(function()
      working.store.down, working.store.failures = "connection refused", 0
      work()
      wait_for(function() return working.store.failures >= 2 end, "two calls that fail")
      working.store.down, working.store.failures = "wrong password", 0
      wait_for(function() return working.store.failures >= 1 end, "a call that fails")
      working.store.down = false
      deliver(caption "1")
      wait_until("done", 1)
    end)
    for _, reason in ipairs { "connection refused", "wrong password" } do
      local _, count = printed:gsub("inbox: the store is unavailable, retrying: [^\n]*" .. reason, "")
      assert.equal(1, count, printed)
    end
    local _, count = printed:gsub("the store is available again", "")
    assert.equal(1, count, printed)
  end)

  it("settles an event when the store is available again", function()
    local runs = 0
    working.handlers:on("video.*", function()
      runs = runs + 1
      working.store.down = true
      apivideo.spawn(function()
        runtime.sleep(0.05)
        working.store.down = false
      end)
    end)
    deliver(caption "a")
    work()
    wait_for(function() return #working.settlements == 1 end, "the end")
    assert.equal("completed", working.settlements[1].disposition)
    assert.equal(1, stats().done)
    assert.equal(1, runs)
  end)

  it("survives errors that cannot be converted to text, and a store that raises", function()
    working.handlers:on("video.*", function()
      return nil, setmetatable({}, { __tostring = function() error "no text" end })
    end)
    deliver(caption "a")
    local ended
    printed_by(function()
      ended = work { max_attempts = 1 }
      wait_until("dead", 1)
      local claim = working.store.claim
      working.store.claim = function()
        working.store.claim = claim
        error "bug"
      end
      deliver(caption "b")
      wait_until("dead", 2)
    end)
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
  end)
end)
