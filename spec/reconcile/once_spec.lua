-- One pass of a reconciliation: which events it finds, and which it does not tell again.

local apivideo = require "apivideo"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

local QUALITY = "video.encoding.quality.completed"

describe("reconciliation:once", function()
  before_each(reconciling.start)
  after_each(running.stop)

  local function once(arguments)
    return assert(reconciling.new():once(arguments))
  end

  describe("finds", function()
    it("the qualities of a video that was encoded", function()
      reconciling.put_video "vi1"
      local summary = once()
      assert.equal(5, summary.found)
      assert.equal(1, summary.videos)
      assert.same(reconciling.ladder "vi1", reconciling.found())
    end)

    it("events that are unverified, and of the origin reconcile", function()
      reconciling.put_video "vi1"
      once()
      local claim = assert(reconciling.inbox:claim())[1]
      assert.equal("reconcile", claim.delivery.origin)
      assert.is_false(claim.delivery.verified)
      assert.is_nil(claim.delivery.webhook_id)
      assert.equal("number", type(apivideo.timestamp(claim.event.emittedAt)))
    end)

    it("a recording, with its live stream", function()
      reconciling.put_video("vi1", { source = { type = "liveStream", liveStream = { liveStreamId = "li1" } } })
      assert.equal(6, once().found)
      local events = {}
      for _, entry in ipairs(reconciling.inbox:list { state = "waiting" }) do
        events[#events + 1] = entry.event.type
        assert.equal("li1", entry.event.liveStreamId)
      end
      assert.equal("video.source.recorded", events[1])
    end)

    it("no recording before the source is ingested", function()
      local waiting = { ["hls 240p"] = "queued" } -- a status that is not documented
      for i = 2, #reconciling.LADDER do waiting[reconciling.LADDER[i]] = "waiting" end
      reconciling.api:put_video {
        videoId = "vi1", source = { type = "liveStream", liveStream = { liveStreamId = "li1" } },
        status = { ingest = { status = "ingesting" }, encoding = { qualities = reconciling.qualities(waiting) } },
      }
      assert.equal(0, once().found)
    end)

    it("a summary that was generated", function()
      reconciling.api:put_summary { summaryId = "summary_1", videoId = "vi1" }
      reconciling.api:put_summary { summaryId = "summary_2", videoId = "vi2", sourceStatus = "waiting" }
      assert.equal(1, once().found)
      assert.same({ "video.summary.generated vi1 summary_1" }, reconciling.found())
      reconciling.api:put_summary { summaryId = "summary_2", videoId = "vi2", sourceStatus = "completed" }
      assert.equal(1, once().found)
      assert.equal("video.summary.generated vi2 summary_2", reconciling.found()[2])
    end)

    it("nothing in an empty account", function()
      local summary = once()
      assert.equal(0, summary.found)
      assert.equal(3, summary.calls)
    end)
  end)

  describe("tells once", function()
    it("what it found in an earlier pass", function()
      reconciling.put_video "vi1"
      once()
      assert.equal(0, once().found)
      assert.equal(5, #reconciling.found())
    end)

    it("what came before", function()
      reconciling.put_video "vi1"
      reconciling.deliver { type = QUALITY, videoId = "vi1", encoding = "hls", quality = "360p" }
      local summary = once()
      assert.equal(4, summary.found)
      assert.equal(1, summary.known)
    end)

    it("what comes later", function()
      reconciling.put_video "vi1"
      once()
      assert.is_false(reconciling.deliver { type = QUALITY, videoId = "vi1", encoding = "hls", quality = "360p" })
    end)

    it("what came with a type in capital letters in its status", function()
      reconciling.api:put_video { videoId = "vi1", status = { encoding = { qualities = {
        { type = "HLS", quality = "240p", status = "encoded" },
      } } } }
      reconciling.deliver { type = QUALITY, videoId = "vi1", encoding = "hls", quality = "240p" }
      assert.equal(0, once().found)
    end)

    it("what handlers have handled", function()
      reconciling.put_video "vi1"
      local handled, cancel = 0, apivideo.cancellation()
      local handlers = apivideo.handlers():on(QUALITY, function()
        handled = handled + 1
        if handled == 5 then cancel:cancel() end
      end)
      once()
      reconciling.inbox:work(handlers, { cancel = cancel })
      assert.equal(0, once().found)
      assert.equal(5, handled)
    end)
  end)

  it("reads a video by its id until it is encoded, although updatedAt does not move", function()
    local created = { createdAt = reconciling.date(-3000), updatedAt = reconciling.date(-3000) }
    reconciling.put_video("vi1", created, { ["hls 720p"] = "encoding", ["mp4 720p"] = "waiting" })
    local first = once()
    assert.equal(3, first.found)
    assert.equal(1, first.waiting)
    reconciling.put_video("vi1", created, { ["mp4 720p"] = "waiting" })
    -- It is due after an eighth of its age.
    local state = assert(reconciling.store:acquire(reconciling.state_name(), 1, 0))
    local value = state.value:gsub('"checked":%d[%d.]*', '"checked":1')
    reconciling.store:save(reconciling.state_name(), state.token, value, 0)
    assert.equal(1, once().found)
  end)

  it("reads a settled video once", function()
    local dates = { createdAt = reconciling.date(-30), updatedAt = reconciling.date(-30) }
    reconciling.put_video("vi1", dates)
    once()
    once()
    assert.equal(1, reconciling.requests "/videos/vi1/status")
  end)

  it("reads a settled video again when it is updated", function()
    reconciling.put_video("vi1", { createdAt = reconciling.date(-30), updatedAt = reconciling.date(-30) })
    once()
    reconciling.put_video("vi1", { createdAt = reconciling.date(-30), updatedAt = reconciling.date(1) })
    once()
    assert.equal(2, reconciling.requests "/videos/vi1/status")
  end)

  it("tells nothing of a video that is older than lookback, but what happens later", function()
    local dates = { createdAt = reconciling.date(-40 * 86400), updatedAt = reconciling.date(-30) }
    reconciling.put_video("vi1", dates)
    reconciling.put_video("vi2", dates, { ["mp4 720p"] = "waiting" })
    assert.equal(0, once().found)
    dates.updatedAt = reconciling.date(1)
    reconciling.put_video("vi2", dates)
    assert.equal(1, once().found)
    assert.same({ QUALITY .. " vi2 mp4 720p" }, reconciling.found())
  end)

  it("goes back to the last pass, or as far as since says", function()
    once()
    reconciling.put_video("vi1", { createdAt = reconciling.date(-3600), updatedAt = reconciling.date(-3600) })
    assert.equal(0, once().found)
    assert.equal(5, once({ since = 7200 }).found)
  end)

  it("uses the clock of api.video", function()
    local now = runtime.now
    finally(function() runtime.now = now end)
    runtime.now = function() return now() + 7 * 86400 end
    once()
    runtime.now = now
    reconciling.put_video "vi1"
    assert.equal(5, once().found)
  end)

end)
