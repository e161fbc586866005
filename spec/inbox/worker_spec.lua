-- Handlers at work on an inbox.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"
local worker = require "apivideo.inbox.worker"
local working = require "spec.support.working"

local raw_of, caption, printed_by = inboxes.raw_of, inboxes.caption, inboxes.printed_by
local deliver, stats, work, wait_until = working.deliver, working.stats, working.work, working.wait_until

describe("inbox:work", function()
  before_each(working.start)
  after_each(working.stop)

  it("settles an attempt although its handler has changed the event and the delivery", function()
    working.handlers:on("video.*", function(event, delivery)
      event.type, delivery.attempt = {}, nil
      error "away"
    end)
    deliver(caption "a")
    local printed = printed_by(function()
      apivideo.spawn(function()
        working.inbox:work(working.handlers, { cancel = working.cancel, backoff = 0.01, max_attempts = 2 })
      end)
      wait_until("dead", 1)
    end)
    assert.matches("attempt 1%) failed, next attempt in", printed)
    assert.matches("attempt 2%) failed and is a dead letter", printed)
    assert.matches("away", working.inbox:list({ state = "dead" })[1].error)
  end)

  it("shows the fields of a permanent failure that is a table", function()
    working.handlers:on("video.*", function() return apivideo.permanent { code = 5 } end)
    deliver(caption "a")
    work()
    wait_until("dead", 1)
    assert.equal("{ code = 5 }", working.inbox:list({ state = "dead" })[1].error)
  end)

  it("passes each event to its handlers, and completes it", function()
    local seen = {}
    working.handlers:on("video.*", function(event, delivery) seen[#seen + 1] = event.captionId .. delivery.attempt end)
    deliver(caption "a")
    local ended = work()
    deliver(caption "b")
    wait_until("done", 2)
    assert.same({ "a1", "b1" }, seen)
    assert.equal("completed", working.settlements[1].disposition)
    assert.equal(1, working.settlements[1].handled)
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
    deliver(caption "c")
    assert.equal(1, stats().waiting)
  end)

  it("retries an event for which an application's own dispatch returns nil and any value", function()
    for _, returned in ipairs { "boom", {}, false } do
      local count = stats().dead
      working.handlers = { dispatch = function() return nil, returned or nil end }
      deliver(caption(tostring(count)))
      local ended = work { max_attempts = 2 }
      wait_until("dead", count + 1)
      assert.equal("retried", working.settlements[2 * count + 1].disposition)
      local dead = working.inbox:list { state = "dead" }
      assert.equal(returned == "boom" and "boom" or "the handlers failed", dead[#dead].error)
      working.cancel:cancel()
      assert.is_true(ended:wait(5))
      working.cancel = apivideo.cancellation()
    end
  end)

  it("retries a failed event with growing delays, then dead-letters it", function()
    local times = {}
    working.handlers:on("video.*", function()
      times[#times + 1] = runtime.monotonic()
      return nil, "no luck " .. #times
    end)
    deliver(caption "a")
    work { max_attempts = 4 }
    wait_until("dead", 1)
    assert.equal(4, #times)
    assert.equal("no luck 4", working.inbox:list({ state = "dead" })[1].error)
    for i = 1, 3 do
      assert.equal("retried", working.settlements[i].disposition)
      local most = 0.01 * 2 ^ (i - 1)
      assert.is_true(working.settlements[i].delay >= most / 2 and working.settlements[i].delay <= most)
      assert.is_true(times[i + 1] - times[i] >= working.settlements[i].delay * 0.99)
    end
    assert.equal("dead_lettered", working.settlements[4].disposition)
  end)

  it("handles a redriven dead letter with all its attempts", function()
    local luck = false
    working.handlers:on("video.*", function() if not luck then return apivideo.permanent("bad luck") end end)
    deliver(caption "a")
    work()
    wait_until("dead", 1)
    assert.equal(1, #working.settlements)
    local entry = working.inbox:list({ state = "dead" })[1]
    assert.equal("bad luck", entry.error)
    assert.equal("video.caption.generated", entry.event.type)
    luck = true
    assert.equal(1, working.inbox:redrive { id = entry.id })
    wait_until("done", 1)
    assert.equal(1, working.settlements[2].delivery.attempt)
  end)

  it("dead-letters at once only if all failures are permanent", function()
    working.handlers:on("video.*", function() return apivideo.permanent("never") end)
    working.handlers:on("video.caption.generated", function() error("perhaps", 0) end)
    deliver(caption "a")
    work { max_attempts = 2 }
    wait_until("dead", 1)
    local dead = working.inbox:list { state = "dead" }
    assert.truthy(dead[1].error:find("^never; perhaps; stack: spec/inbox/worker_spec.lua:%d+ in"))
    assert.equal(2, #working.settlements)
  end)

  it("stores at most 1000 bytes of an error, including its stack", function()
    working.handlers:on("video.*", function() error(("x"):rep(5000), 0) end)
    working.handlers:on("video.caption.*", function() return nil, ("y"):rep(5000) end)
    deliver(caption "a")
    work { max_attempts = 1 }
    wait_until("dead", 1)
    local stored = working.inbox:list({ state = "dead" })[1].error
    assert.equal(1000, #stored)
    assert.truthy(stored:find("^x+; stack: spec/inbox/worker_spec.lua:%d+ in .*; y+$"))
  end)

  it("stores at most 1000 bytes of the error that a claim is dead-lettered with, in one line", function()
    deliver(caption "a")
    assert(working.inbox:claim()[1]:dead_letter("line\n" .. ("x"):rep(5000)))
    local stored = working.inbox:list({ state = "dead" })[1].error
    assert.equal(1000, #stored)
    assert.truthy(stored:find "^line x+$")
  end)

  it("handles several events at once, limited by the option concurrency", function()
    local now, most = 0, 0
    working.handlers:on("video.*", function()
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
    working.over { lane = function(event) return event.videoId end }
    local seen, under_way = {}, 0
    working.handlers:on("video.*", function(event)
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
    working.handlers:on("video.*", function() apivideo.sleep(0.005) end)
    local ended = work { concurrency = 3, lease = 0.03 }
    for i = 1, 30 do deliver(caption(tostring(i))) end
    wait_until("done", 30)
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
  end)

  it("continues as a new task after some events", function()
    local steps = worker.TASK_MAX_STEPS
    worker.TASK_MAX_STEPS = 2
    finally(function() worker.TASK_MAX_STEPS = steps end)
    local tasks = {}
    working.handlers:on("video.*", function() tasks[coroutine.running()] = true end)
    for i = 1, 12 do deliver(caption(tostring(i))) end
    work()
    wait_until("done", 12)
    local count = 0
    for _ in pairs(tasks) do count = count + 1 end
    assert.is_true(count >= 5)
  end)

  it("yields to other tasks while events are always ready", function()
    working.handlers:on("video.*", function()
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

  it("retries an event whose dispatch raises, with handlers of the application's own", function()
    local runs = 0
    working.handlers = { dispatch = function()
      runs = runs + 1
      if runs == 1 then error "a bug in dispatch" end
      return 1
    end }
    deliver(caption "a")
    work()
    wait_until("done", 1)
    assert.equal("retried", working.settlements[1].disposition)
    assert.truthy(working.settlements[1].errors[1]:find("a bug in dispatch", 1, true))
    assert.truthy(working.settlements[1].tracebacks[1]:find("worker_spec.lua", 1, true))
  end)

  it("continues although on_settled raises, yields to another scheduler, or does not return", function()
    local ways = { function() error "a bug in on_settled" end, coroutine.yield, function() runtime.latch():wait() end }
    working.handlers:on("video.*", function() end)
    for i = 1, 4 do deliver(caption(tostring(i))) end
    local count, ended = 0, nil
    local printed = printed_by(function()
      ended = work { lease = 0.5, handler_timeout = 0.5, on_settled = function()
        count = count + 1
        if ways[count] then ways[count]() end
      end }
      wait_until("done", 4)
      wait_for(function() return count == 4 end, "on_settled")
      working.cancel:cancel()
      assert.is_true(ended:wait(5))
    end)
    assert.truthy(printed:find("option \"on_settled\" failed: spec/inbox/worker_spec.lua:%d+: a bug in on_settled;"),
      printed)
    assert.truthy(printed:find("the settlement of event 3 did not finish", 1, true), printed)
  end)

  it("calls on_settled after the log has its line", function()
    working.handlers:on("video.*", function() return nil, "out of luck" end)
    deliver(caption "a")
    local ended
    local printed = printed_by(function()
      ended = work { max_attempts = 1 }
      wait_until("dead", 1)
      wait_for(function() return #working.settlements == 1 end, "on_settled")
    end)
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
    assert.equal("dead_lettered", working.settlements[1].disposition)
    assert.truthy(printed:find("is a dead letter", 1, true), printed)
  end)

  it("rejects a time limit that is not a number of seconds", function()
    for _, bad in ipairs { 0, -1, 0 / 0 } do
      local ok, err = pcall(working.inbox.work, working.inbox, working.handlers, { handler_timeout = bad })
      assert.is_false(ok)
      assert.truthy(err:find('option "handler_timeout" must be a number of seconds above 0', 1, true))
    end
  end)

  it("logs failures, dead letters and events without a handler by default", function()
    working.handlers:on("video.caption.generated", function() return nil, "out of luck sig_sec_abcdef" end)
    local printed = printed_by(function()
      deliver(caption "a")
      deliver(raw_of "video.summary.generated")
      apivideo.spawn(function()
        working.inbox:work(working.handlers, { cancel = working.cancel, max_attempts = 2, backoff = 0.01 })
      end)
      wait_until("dead", 1)
      wait_until("done", 1)
    end)
    assert.truthy(printed:find("video.caption.generated (attempt 1) failed, next attempt in 0 s: out of luck", 1, true))
    assert.truthy(printed:find("a dead letter; inbox:redrive { id = 1 } queues it again: ", 1, true))
    assert.truthy(printed:find("completed without a handler: entry 2, video.summary.generated", 1, true))
    assert.is_nil(printed:find("abcdef", 1, true))
    assert.is_nil(working.inbox:list({ state = "dead" })[1].error:find("abcdef", 1, true))
  end)
end)
