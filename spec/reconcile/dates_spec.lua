-- Dates of api.video's responses that are wrong for a while: no event is lost for that.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local http_date = require "apivideo.util.http_date"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"

describe("a reconciliation after a wrong date", function()
  local date_of = http_date.of_response
  local lines

  before_each(function()
    reconciling.start()
    lines = {}
    apivideo.log { write = function(line) lines[#lines + 1] = line end }
  end)

  after_each(function()
    http_date.of_response = date_of
    apivideo.log {}
    running.stop()
  end)

  local function once() return reconciling.new():once() end

  -- Calls fn while dates are wrong by some seconds.
  local function with_dates(seconds, fn)
    http_date.of_response = function(response) return date_of(response) + seconds end
    local result, err = fn()
    http_date.of_response = date_of
    return result, err
  end

  for _, seconds in ipairs { 3600, 30 * 86400, 1e9, -3600, -1e9 } do
    it(("of %.0f s finds what came since"):format(seconds), function()
      reconciling.put_video("vi1", nil, { ["hls 240p"] = "waiting" })
      reconciling.api:put_live_stream { liveStreamId = "li1", broadcasting = false }
      assert.equal(4, assert(once()).found)
      assert.equal(0, assert(with_dates(seconds, once)).found)
      reconciling.put_video "vi2"
      reconciling.put_video "vi1"
      reconciling.api:put_live_stream { liveStreamId = "li1", broadcasting = true }
      assert.equal(7, assert(once()).found)
      assert.equal(0, assert(once()).found)
      assert.equal(1, #lines, lines[2])
    end)
  end

  it("in a pass that did not end finds what it did not read", function()
    for i = 1, 60 do reconciling.put_video("vi" .. i, { updatedAt = reconciling.date(-i) }) end
    local cancel, count = apivideo.cancellation(), 0
    local status = reconciling.client.videos.status
    reconciling.client.videos.status = function(...)
      count = count + 1
      if count == 55 then cancel:cancel() end
      return status(...)
    end
    with_dates(3600, function() return reconciling.new { budget = 1 }:once { cancel = cancel } end)
    reconciling.put_video "vi61"
    assert(reconciling.new { budget = 1 }:once())
    local texts = {}
    for _, text in ipairs(reconciling.found()) do texts[text] = true end
    for i = 1, 61 do
      for _, text in ipairs(reconciling.ladder("vi" .. i)) do assert.is_true(texts[text], text) end
    end
  end)

  it("dates no event before it was observed, although the second has changed since the response", function()
    reconciling.api:put_live_stream { liveStreamId = "li1", broadcasting = false }
    assert(once())
    reconciling.api:put_live_stream { liveStreamId = "li1", broadcasting = true }
    http_date.of_response = function() return math.floor(core.now()) - 1 end
    local before = core.now()
    local seconds, nanoseconds = apivideo.timestamp(assert(once()).events[1].emittedAt)
    assert.is_true(seconds + nanoseconds / 1e9 >= before - 0.001)
  end)
end)
