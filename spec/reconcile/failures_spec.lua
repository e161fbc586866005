-- Failures, of which api.video sends no event: a reconciliation tells each once.

local apivideo = require "apivideo"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"

describe("a reconciliation of failures", function()
  before_each(reconciling.start)
  after_each(running.stop)

  local function once() return assert(reconciling.new():once()).found end

  it("tells a failed quality once", function()
    reconciling.put_video("vi1", nil, { ["hls 480p"] = "failed", ["mp4 720p"] = "failed" })
    assert.equal(5, once())
    assert.equal(0, once())
    local found = reconciling.found()
    assert.same({ "apivideo.video.failed vi1 hls 480p", "apivideo.video.failed vi1 mp4 720p" }, { found[1], found[2] })
  end)

  it("tells a summary that cannot be made once", function()
    reconciling.api:put_summary { summaryId = "summary_1", videoId = "vi1", sourceStatus = "failed" }
    reconciling.api:put_summary { summaryId = "summary_2", videoId = "vi2", sourceStatus = "unprocessable" }
    assert.equal(2, once())
    assert.equal(0, once())
    assert.same({ "apivideo.summary.failed vi1 summary_1", "apivideo.summary.failed vi2 summary_2" },
      reconciling.found())
  end)

  it("calls the functions of on_failed", function()
    local failed, cancel = {}, apivideo.cancellation()
    local handlers = apivideo.handlers():on_failed(function(event, delivery)
      failed[#failed + 1] = ("%s %s %s"):format(event.type, event.quality, delivery.origin)
      cancel:cancel()
    end)
    reconciling.put_video("vi1", nil, { ["hls 240p"] = "failed", ["hls 360p"] = "waiting", ["hls 480p"] = "waiting",
      ["hls 720p"] = "waiting", ["mp4 720p"] = "waiting" })
    assert.equal(1, once())
    reconciling.inbox:work(handlers, { cancel = cancel })
    assert.same({ "apivideo.video.failed 240p reconcile" }, failed)
    assert.equal(0, once())
  end)

  it("makes a video ready that is ready by what it finds", function()
    local ready, cancel = {}, apivideo.cancellation()
    local handlers = apivideo.handlers():otherwise(function() end)
    handlers:on_ready("720p", function(event)
      ready[#ready + 1] = event.videoId
      cancel:cancel()
    end)
    reconciling.put_video "vi1"
    assert.equal(5, once())
    reconciling.inbox:work(handlers, { cancel = cancel })
    assert.same({ "vi1" }, ready)
  end)
end)
