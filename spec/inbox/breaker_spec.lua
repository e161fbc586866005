-- inbox:work with pause_after: the circuit breaker by type.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local deliver, stats, work, wait_until = working.deliver, working.stats, working.work, working.wait_until

local CAPTION, SUMMARY = "video.caption.generated", "video.summary.generated"

describe("inbox:work with pause_after", function()
  local is_away, calls

  before_each(function()
    working.start()
    is_away, calls = true, 0
    working.handlers:on(CAPTION, function()
      calls = calls + 1
      if is_away then return nil, "the database is unavailable" end
    end)
    working.handlers:on(SUMMARY, function() end)
  end)
  after_each(working.stop)

  local function paused() return stats().paused_types and stats().paused_types[1] or nil end

  local function run(options)
    for i = 1, 20 do deliver(inboxes.caption("c" .. i)) end
    deliver(inboxes.raw_of(SUMMARY))
    return work(options)
  end

  it("pauses a type after so many failures in a row, handles others, probes, and resumes", function()
    local printed = inboxes.printed_by(function()
      run { pause_after = 3, probe_interval = 0.2, backoff = 600, max_attempts = 10 }
      wait_until("done", 1) -- the summary
      assert.equal(3, calls)
      assert.equal(CAPTION, paused().type)
      assert.equal("the database is unavailable", paused().reason)
      wait_for(function() return calls == 5 end, "two probes")
      assert.equal(20, stats().waiting + stats().claimed)
      is_away = false
      wait_until("done", 16) -- five have failed, and wait for their next attempt
    end)
    assert.is_nil(paused())
    assert.matches("events of type video.caption.generated are paused after 3 failures in a row; a probe follows in "
      .. '0.2 s, and inbox:resume { type = "video.caption.generated" } ends the pause: the database is'
      .. " unavailable", printed, 1, true)
    assert.matches("are paused still, since the probe has failed; a probe follows in 0.2 s", printed, 1, true)
    assert.matches("video.caption.generated are resumed, since the probe has succeeded", printed, 1, true)
    for _, entry in ipairs(working.inbox:list { state = "waiting" }) do assert.equal(1, entry.attempt) end
  end)

  it("holds for other workers of the store, which also handle its probes", function()
    inboxes.printed_by(function()
      local ended = run { pause_after = 2, probe_interval = 0.3, backoff = 600, max_attempts = 10 }
      wait_for(paused, "the pause")
      working.cancel:cancel()
      assert.is_true(ended:wait(5))
      working.cancel = apivideo.cancellation()
      is_away = false
      work() -- without the option
      wait_until("done", 19)
    end)
    assert.is_nil(paused())
  end)

  it("counts failures in a row only, by type, and none that is permanent", function()
    local ways = { false, false, true, false, false, "permanent", "permanent", true }
    working.handlers = apivideo.handlers():on(SUMMARY, function() end)
    working.handlers:on(CAPTION, function()
      calls = calls + 1
      if ways[calls] == "permanent" then return apivideo.permanent "not an event of ours" end
      if ways[calls] == false then return nil, "no" end
    end)
    inboxes.printed_by(function()
      run { pause_after = 3, max_attempts = 1 }
      wait_until("done", 15)
    end)
    assert.equal(6, stats().dead)
    assert.is_nil(paused())
  end)

  it("counts an attempt that takes too long", function()
    working.handlers = apivideo.handlers():on(SUMMARY, function() end)
    working.handlers:on(CAPTION, function() apivideo.sleep(1e9) end)
    inboxes.printed_by(function()
      run { pause_after = 2, handler_timeout = 0.1, backoff = 600, concurrency = 2 }
      wait_for(paused, "the pause")
    end)
    assert.matches("did not return within 0.1 s", paused().reason, 1, true)
  end)

  it("leaves an operator's pause, which lasts until it is resumed", function()
    assert(working.inbox:pause { type = CAPTION })
    run { pause_after = 1, probe_interval = 0.01 }
    wait_until("done", 1)
    apivideo.sleep(0.3)
    assert.equal(0, calls)
    is_away = false
    assert(working.inbox:resume { type = "video.*" })
    wait_until("done", 21)
  end)

  -- Handlers that never return, until `is_away` is false; and the events of a paused type.
  local function hang()
    working.handlers = apivideo.handlers():on(CAPTION, function()
      calls = calls + 1
      repeat apivideo.sleep(0.01) until not is_away
    end)
    for i = 1, 5 do deliver(inboxes.caption("c" .. i)) end
    assert.is_true(working.store:pause(CAPTION, 0.01, "it hangs"))
  end

  it("has one probe at a time, also if it takes longer than its lease", function()
    hang()
    work { pause_after = 1, lease = 1, handler_timeout = 60, concurrency = 3 }
    wait_for(function() return calls == 1 end, "the probe")
    local ends = runtime.monotonic() + 2.5
    wait_for(function() return runtime.monotonic() > ends end, "two leases")
    assert.equal(1, calls)
    is_away = false
    wait_until("done", 5)
    assert.is_nil(paused())
  end)

  it("is replaced by an operator's pause, which a probe does not end", function()
    hang()
    work { pause_after = 9, handler_timeout = 60 }
    wait_for(function() return calls == 1 end, "the probe")
    assert(working.inbox:pause { type = CAPTION })
    is_away = false
    wait_until("done", 1)
    apivideo.sleep(0.3)
    assert.equal(CAPTION, paused().type)
    assert.equal(1, calls)
  end)

  it("stays ended if it was resumed during a probe that fails then", function()
    hang()
    inboxes.printed_by(function()
      work { pause_after = 9, handler_timeout = 0.3, backoff = 600 }
      wait_for(function() return calls == 1 end, "the probe")
      assert(working.inbox:resume { type = CAPTION })
      wait_for(function() return calls == 3 end, "attempts after the probe")
    end)
    assert.is_nil(paused())
    is_away = false
  end)

  it("continues without a pause while the store is unavailable", function()
    local store = working.store
    local pause = store.pause
    store.pause = function(...)
      if calls < 5 then error "a bug in pause" end
      return pause(...)
    end
    local printed = inboxes.printed_by(function()
      run { pause_after = 2, backoff = 600, probe_interval = 600 }
      wait_for(paused, "the pause")
    end)
    store.pause = nil
    assert.matches("a bug in pause", printed, 1, true)
    wait_for(function() return working.inbox:metrics():find('in_flight{worker="0"} 0', 1, true) end, "all settlements")
    assert.equal(6, calls)
  end)

  it("is off by default", function()
    inboxes.printed_by(function()
      run { max_attempts = 1 }
      wait_until("dead", 20)
    end)
    assert.is_nil(paused())
  end)
end)
