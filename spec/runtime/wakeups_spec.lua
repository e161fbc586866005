local apivideo = require "apivideo"
local json = require "apivideo.util.json"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"
local wakeups = require "apivideo.runtime.wakeups"

describe("wakeups", function()
  it("wake all tasks that wait for an id, and no other", function()
    local woken = {}
    local other = wakeups.latch "vi2"
    for i = 1, 3 do
      local latch = wakeups.latch "vi1"
      apivideo.spawn(function() woken[i] = latch:wait() end)
    end
    runtime.pass()
    wakeups.notify "vi1"
    wait_for(function() return woken[3] end, "three tasks")
    assert.same({ true, true, true }, woken)
    assert.is_false(other:is_open())
  end)

  it("count when they come before the wait", function()
    local latch = wakeups.latch "vi1"
    wakeups.notify "vi1"
    assert.is_true(latch:is_open())
    assert.is_false(wakeups.latch("vi1"):is_open()) -- the next one needs another notification
  end)

  it("of an id for which no task waits, or without an id, have no effect", function()
    wakeups.notify "vi9"
    wakeups.notify(nil)
    assert.is_nil(wakeups.waiting.vi9)
  end)

  it("leave nothing behind when the wait is abandoned", function()
    local function abandon() return wakeups.latch("vi1") == wakeups.waiting.vi1 end
    assert.is_true(abandon())
    collectgarbage()
    collectgarbage()
    assert.is_nil(wakeups.waiting.vi1)
  end)

  it("are caused by each event that is dispatched, or stored in an inbox", function()
    local handlers = apivideo.handlers():otherwise(function() end)
    local inbox = apivideo.inbox { store = apivideo.inbox.memory() }
    local event = apivideo.events:sample "video.encoding.quality.completed"
    local raw = json.encode(event)
    local latch = wakeups.latch(event.videoId)
    assert(handlers:dispatch(event))
    assert.is_true(latch:is_open())
    for _ = 1, 2 do -- a duplicate, too: the first may have been handled before the wait began
      latch = wakeups.latch(event.videoId)
      assert.is_not_nil(inbox:put { event = event, raw = raw })
      assert.is_true(latch:is_open())
    end
    assert.is_not_nil(inbox:put { err = select(2, apivideo.parse "{"), raw = "{" })
  end)

  it("come before the handlers of the event run", function()
    local latch = wakeups.latch "vi1"
    local was_open
    local handlers = apivideo.handlers():otherwise(function() was_open = latch:is_open() end)
    assert(handlers:dispatch { type = "video.summary.generated", videoId = "vi1", summaryId = "s" })
    assert.is_true(was_open)
  end)
end)
