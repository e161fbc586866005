-- The polls of client.videos:wait: how often, for how many waits, and what ends a pause.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local json = require "apivideo.util.json"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"
local waiting = require "spec.support.waiting"

local serving = waiting.serving
local WAITING, PLAYABLE, DONE, UNAVAILABLE = waiting.WAITING, waiting.PLAYABLE, waiting.DONE, waiting.UNAVAILABLE

describe("videos:wait", function()
  before_each(function() waiting.pauses(0.02, 0.04) end)

  after_each(function()
    running.stop()
    waiting.restore()
  end)

  describe("polls", function()
    it("no faster than its pauses, which grow", function()
      waiting.pauses(0.04, 0.16)
      local client, _, times = serving(WAITING)
      assert.equal("timeout", select(2, client.videos:wait("vi1", "mp4", { timeout = 0.8 })).kind)
      for i = 2, #times do
        local least = math.min(0.16, 0.04 * 2 ^ (i - 2)) / 2
        assert.is_true(times[i] - times[i - 1] >= least, ("pause %d: %.3f s"):format(i - 1, times[i] - times[i - 1]))
      end
      assert.is_true(#times >= 2 and #times <= 12, #times)
    end)

    it("once for many waits of one video, with different conditions", function()
      waiting.pauses(0.1, 0.1)
      local client, p = serving(WAITING, PLAYABLE, DONE)
      local conditions = {}
      for i = 1, 30 do conditions[i] = ({ "playable", "mp4", "all" })[i % 3 + 1] end
      local results, errs = apivideo.parallel(30, conditions, function(condition)
        return client.videos:wait("vi1", condition, { timeout = 60 })
      end)
      assert.is_nil(errs)
      assert.equal(30, #results)
      assert.equal(3, #p.requests)
    end)

    it("no faster than its shortest pause, however many events come", function()
      waiting.pauses(0.05, 0.1)
      local client, _, times = serving(WAITING)
      local handlers, is_over = apivideo.handlers():otherwise(function() end), false
      apivideo.spawn(function()
        client.videos:wait("vi1", "mp4", { timeout = 0.5 })
        is_over = true
      end)
      while not is_over do
        handlers:dispatch { type = "video.encoding.quality.completed", videoId = "vi1" }
        apivideo.sleep(0.001)
      end
      assert.is_true(#times >= 2, #times)
      for i = 2, #times do
        assert.is_true(times[i] - times[i - 1] >= 0.025, ("poll %d: %.3f s"):format(i, times[i] - times[i - 1]))
      end
    end)

    it("for each client and each video", function()
      local client, p = serving(DONE)
      assert(client.videos:wait("vi1", "mp4"))
      assert(client.videos:wait("vi2", "mp4"))
      assert(client_of(p.url).videos:wait("vi1", "mp4"))
      assert.equal(3, #p.requests)
    end)

    it("again when a later wait finds a value older than the first pause", function()
      waiting.pauses(0.03, 3600)
      local client, p = serving(PLAYABLE, DONE)
      assert(client.videos:wait("vi1", "playable"))
      runtime.sleep(0.04)
      assert(client.videos:wait("vi1", "mp4", { timeout = 60 }))
      assert.equal(2, #p.requests)
    end)

    it("further when the wait that started a request is cancelled", function()
      local release = runtime.latch()
      local p = running.serving(function()
        release:wait()
        return "200 OK", nil, DONE
      end)
      local client, cancel, first, second = client_of(p.url), apivideo.cancellation(), nil, nil
      apivideo.spawn(function() first = select(2, client.videos:wait("vi1", "mp4", { cancel = cancel })) end)
      apivideo.spawn(function() second = client.videos:wait("vi1", "mp4") end)
      wait_for(function() return #p.requests == 1 end, "the request")
      cancel:cancel()
      wait_for(function() return first end, "the cancelled wait")
      release:open()
      wait_for(function() return second end, "the other wait")
      assert.equal(1, #p.requests)
    end)

    it("without end when the API is unavailable: no faster than its pauses", function()
      waiting.pauses(0.05, 0.1)
      local client, _, times = serving(UNAVAILABLE)
      local ends = runtime.monotonic() + 0.5
      local waits = {}
      for i = 1, 20 do waits[i] = i end
      apivideo.parallel(5, waits, function()
        return client.videos:wait("vi1", "mp4", { timeout = math.max(0.001, ends - runtime.monotonic()) })
      end)
      for i = 2, #times do assert.is_true(times[i] - times[i - 1] >= 0.025, times[i] - times[i - 1]) end
    end)

    it("after the delay that a 429 requests", function()
      local client, _, times = serving({ "429 Too Many Requests", "X-RateLimit-Retry-After: 1\r\n", "{}" }, DONE)
      local other
      apivideo.spawn(function() -- neither another wait nor an event shortens it
        wait_for(function() return times[1] end, "the first poll")
        runtime.sleep(0.05)
        apivideo.spawn(function() other = client.videos:wait("vi1", "mp4", { timeout = 60 }) end)
        runtime.sleep(0.05)
        assert(apivideo.handlers():otherwise(function() end):dispatch { type = "video.x", videoId = "vi1" })
      end)
      assert(client.videos:wait("vi1", "mp4", { timeout = 60 }))
      wait_for(function() return other end, "the other wait")
      assert.is_true(times[2] - times[1] >= 1)
      assert.equal(2, #times)
    end)

    it("when the rate limit of the client allows it", function()
      local api = running.emulator { rate_limits = { reads = 2, writes = 9 }, rate_window = 1 }
      api:put_video { videoId = "vi1", status = { encoding = { playable = false } } }
      local client = client_of(api.url, { rate_limit = { } })
      assert.equal("timeout", select(2, client.videos:wait("vi1", "playable", { timeout = 0.7 })).kind)
      for _, request in ipairs(api.requests) do assert.equal(200, request.status) end
      assert.equal(2, #api.requests)
    end)
  end)

  describe("is woken by an event that", function()
    local event = { type = "video.encoding.quality.completed", emittedAt = "2024-01-01T00:00:00Z", videoId = "vi1",
      encoding = "mp4", quality = "720p" }

    -- Starts a wait whose pauses are long, and passes an event on when it has polled once.
    local function woken(pass)
      waiting.pauses(3600, 3600)
      local client, p = serving(PLAYABLE, DONE)
      local status
      apivideo.spawn(function() status = client.videos:wait("vi1", "mp4") end)
      wait_for(function() return #p.requests == 1 end, "the first poll")
      pass()
      wait_for(function() return status end, "the status")
      assert.equal(2, #p.requests)
    end

    it("is dispatched", function()
      woken(function() assert(apivideo.handlers():otherwise(function() end):dispatch(event)) end)
    end)

    it("a receiver puts into an inbox", function()
      local inbox = apivideo.inbox { store = apivideo.inbox.memory() }
      local receiver = apivideo.receiver { inbox = inbox, unsigned = true }
      woken(function()
        assert.equal(204, (receiver:receive { method = "POST", headers = {}, body = json.encode(event) }))
      end)
    end)

    it("arrives while a request is in progress", function()
      waiting.pauses(3600, 3600)
      local release, status = runtime.latch(), nil
      local count = 0
      local p = running.serving(function()
        count = count + 1
        if count > 1 then return "200 OK", nil, DONE end
        release:wait()
        return "200 OK", nil, PLAYABLE
      end)
      local client = client_of(p.url)
      apivideo.spawn(function() status = client.videos:wait("vi1", "mp4") end)
      wait_for(function() return count == 1 end, "the first poll")
      assert(apivideo.handlers():otherwise(function() end):dispatch(event))
      apivideo.spawn(function() client.videos:wait("vi1", "mp4") end)
      runtime.pass()
      release:open()
      wait_for(function() return status end, "the status")
      assert.equal(2, count)
    end)
  end)
end)
