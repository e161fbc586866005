-- inbox:work with limits: concurrency by type, and a rate.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"
local runtime = require "apivideo.runtime"
local sqlite = require "apivideo.inbox.sqlite"
local testing = require "apivideo.testing"
local type_limits = require "apivideo.inbox.type_limits"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local deliver, work, wait_until = working.deliver, working.work, working.wait_until

local CAPTION, RECORDED, SUMMARY = "video.caption.generated", "video.source.recorded", "video.summary.generated"

describe("inbox:work with limits", function()
  local running, most, gate

  before_each(function()
    working.start()
    running, most, gate = {}, {}, runtime.latch()
  end)
  after_each(working.stop)

  -- Handlers that wait for the gate, and count how many run at once, by type.
  local function count_handlers()
    working.handlers:on("video.*", function(event)
      local type = event.type
      running[type] = (running[type] or 0) + 1
      most[type] = math.max(most[type] or 0, running[type])
      gate:wait()
      apivideo.sleep(0.001)
      running[type] = running[type] - 1
    end)
  end

  local function deliver_each(count)
    for i = 1, count do
      deliver(inboxes.raw_of(RECORDED, { videoId = "r" .. i }))
      deliver(inboxes.raw_of(SUMMARY, { videoId = "s" .. i }))
      deliver(inboxes.caption("c" .. i))
    end
  end

  local function limits_hold()
    count_handlers()
    deliver_each(6)
    local ended = work { concurrency = { default = 8, [RECORDED] = 1, ["video.*"] = 4 } }
    wait_for(function() -- (a claim is in the store before its handler begins)
      return running[RECORDED] == 1 and (running[SUMMARY] or 0) + (running[CAPTION] or 0) == 4
    end, "five handlers")
    wait_until("claimed", 5)
    gate:open(true)
    wait_until("done", 18)
    assert.equal(1, most[RECORDED])
    assert.is_true(most[SUMMARY] <= 4 and most[CAPTION] <= 4)
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
  end

  it("handles at most so many events of a type or pattern at once, and the others at the same time", limits_hold)

  it("does so with SQLite, whose claims share a transaction", function()
    local path = os.tmpname()
    working.over { store = sqlite { path = path } }
    finally(function()
      working.inbox:close()
      for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
    end)
    limits_hold()
  end)

  if redis_server.missing() then
    pending("does so with Redis: " .. redis_server.missing())
  else
    it("does so with Redis", function()
      local server = redis_server.start "--appendfsync no"
      finally(function() server:stop() end)
      working.over { store = redis { port = server.port } }
      limits_hold()
    end)
  end

  it("frees the place of an attempt that fails, takes too long, or raises in dispatch", function()
    local count = 0
    working.handlers = { dispatch = function()
      count = count + 1
      if count == 1 then error "a bug" end
      if count == 2 then runtime.latch():wait() end
      if count == 3 then return nil, "no" end
      return 1
    end }
    deliver(inboxes.caption "a")
    inboxes.printed_by(function()
      local ended = work { concurrency = { default = 3, [CAPTION] = 1 }, handler_timeout = 0.2 }
      wait_until("done", 1)
      working.cancel:cancel()
      assert.is_true(ended:wait(5))
    end)
    assert.equal(4, count)
  end)

  it("frees the place of a claim that no task handles when its lease expires", function()
    local asked = {}
    local _, limits = type_limits.new { default = 2, [CAPTION] = 1 }
    local store = { _claim = function(_, _, _, wanted)
      asked[#asked + 1] = wanted[1].count
      return wanted[1].count > 0 and { { type = CAPTION } } or {}
    end }
    local abandoned = limits:claim(store, 1, 0.01)[1]
    limits:claim(store, 1, 60)
    apivideo.sleep(0.02)
    local handled = limits:claim(store, 1, 0.01)[1]
    limits:begin(handled)
    apivideo.sleep(0.02)
    limits:claim(store, 1, 60)
    limits:remove(handled)
    limits:remove(abandoned)
    limits:begin(abandoned) -- its task continues after all
    limits:claim(store, 1, 60)
    assert.same({ 1, 0, 1, 0, 1 }, asked)
  end)

  it("has one event at once in all without a default", function()
    count_handlers()
    deliver_each(2)
    gate:open(true)
    work { concurrency = { [CAPTION] = 3 } }
    wait_until("done", 6)
    assert.equal(1, most[CAPTION])
  end)

  it("drains all events that are ready", function()
    count_handlers()
    deliver_each(4)
    gate:open(true)
    assert.equal(12, testing.drain(working.inbox, working.handlers,
      { concurrency = { default = 4, [CAPTION] = 1 } }))
  end)

  it("begins at most so many events a second, and loses no turn while it is idle", function()
    local times = {}
    working.handlers:on("video.*", function() times[#times + 1] = runtime.monotonic() end)
    local ended = work { rate = 50, concurrency = 4 }
    apivideo.sleep(0.3) -- idle
    local started = runtime.monotonic()
    deliver_each(5)
    wait_for(function() return #times == 15 end, "15 events")
    assert.is_true(times[15] - times[1] >= 14 / 50 - 0.01, times[15] - times[1])
    assert.is_true(times[1] - started < 1)
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
  end)

  it("uses no turn for a claim that finds no event", function()
    local handled
    working.handlers:on("video.*", function() handled = runtime.monotonic() end)
    work { rate = 0.1 }
    apivideo.sleep(0.6) -- several claims
    local delivered = runtime.monotonic()
    deliver(inboxes.caption "a")
    wait_until("done", 1)
    assert.is_true(handled - delivered < 5, handled - delivered)
  end)

  it("ends at once although the next turn is far away", function()
    working.handlers:on("video.*", function() end)
    deliver_each(1)
    local ended = work { rate = 0.001, concurrency = 2 }
    wait_until("done", 1)
    local started = runtime.monotonic()
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
    assert.is_true(runtime.monotonic() - started < 2)
    assert.equal(2, working.stats().waiting)
  end)

  it("rejects limits that are not whole numbers by type", function()
    for text, bad in pairs {
      ['option "concurrency": default must be an integer of at least 1, got 0'] = { default = 0 },
      ['option "concurrency": video.* must be an integer of at least 1, got string'] = { ["video.*"] = "x" },
      ['option "concurrency": the names must be types or patterns, or default; got 1'] = { 5 },
    } do
      local ok, err = pcall(function() working.inbox:work(working.handlers, { concurrency = bad }) end)
      assert.is_false(ok)
      assert.matches(text, err, 1, true)
      assert.matches("type_limits_spec.lua", err, 1, true) -- misuse is raised at the caller
    end
  end)
end)
