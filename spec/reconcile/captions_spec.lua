-- Captions: each language of a video once, whether its event came or a reconciliation found it.

local apivideo = require "apivideo"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"

local GENERATED = "video.caption.generated"

describe("a reconciliation of captions", function()
  before_each(reconciling.start)
  after_each(running.stop)

  local function once() return assert(reconciling.new({ captions = true }):once()).found end

  -- Handles the events of the inbox. Returns "vi1 en" of each caption.
  local function handle()
    local available, cancel = {}, apivideo.cancellation()
    local handlers = apivideo.handlers():on(GENERATED, function() end)
    handlers:on_caption(function(event) available[#available + 1] = event.videoId .. " " .. event.language end)
    reconciling.inbox:work(handlers, { cancel = cancel, on_settled = function()
      if assert(reconciling.inbox:stats()).waiting + assert(reconciling.inbox:stats()).claimed == 0 then
        cancel:cancel()
      end
    end })
    return available
  end

  it("finds the captions of a video", function()
    reconciling.put_video("vi1", { captions = { { srclang = "en" }, { srclang = "fr-CA" } } })
    assert.equal(7, once())
    assert.equal(0, once())
    assert.same({ "vi1 en", "vi1 fr-CA" }, handle())
  end)

  it("finds none without the option", function()
    reconciling.put_video("vi1", { captions = { { srclang = "en" } } })
    assert.equal(5, assert(reconciling.new():once()).found)
    assert.equal(0, reconciling.requests "/captions")
  end)

  it("handles a caption once, if its event has come", function()
    reconciling.put_video("vi1", { captions = { { srclang = "en" } } })
    reconciling.deliver { type = GENERATED, videoId = "vi1", captionId = "caption_1", language = "en" }
    assert.same({ "vi1 en" }, handle())
    assert.equal(5, once())
    assert.same({}, handle())
  end)

  it("handles a caption once, if its event comes later", function()
    reconciling.put_video("vi1", { captions = { { srclang = "en" } } })
    once()
    assert.same({ "vi1 en" }, handle())
    reconciling.deliver { type = GENERATED, videoId = "vi1", captionId = "caption_1", language = "en" }
    assert.same({}, handle())
  end)

  it("waits for a caption of a video that is encoded, and does not read its status for that", function()
    local dates = { createdAt = reconciling.date(-60), updatedAt = reconciling.date(-60) }
    reconciling.put_video("vi1", dates)
    assert.equal(5, once())
    local lease = assert(reconciling.store:acquire(reconciling.state_name(), 1, 0)) -- as half of its age later
    reconciling.store:save(reconciling.state_name(), lease.token, (lease.value:gsub('"checked":%d[%d.]*', '"checked":'
      .. os.time() - 50)), 0)
    dates.captions = { { srclang = "de" } }
    reconciling.put_video("vi1", dates)
    assert.equal(1, once())
    assert.equal(1, reconciling.requests "/status")
    assert.equal(2, reconciling.requests "/captions")
  end)
end)
