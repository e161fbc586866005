-- A reconciliation over lists that change, lie or fail while it reads them.

local apivideo = require "apivideo"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"
local wait_for = require "spec.support.wait"

describe("a reconciliation", function()
  before_each(reconciling.start)
  after_each(running.stop)

  -- Adds videos, the first one updated last.
  local function put_videos(count)
    for i = 1, count do
      local date = reconciling.date(-10 * i)
      reconciling.put_video("vi" .. i, { createdAt = date, updatedAt = date })
    end
  end

  -- Calls a function after the nth response for a path.
  local function after(pattern, nth, fn)
    local count = 0
    reconciling.client = apivideo.client {
      api_key = "key", base_url = reconciling.api.url, retries = 0,
      on_response = function(response)
        if not response.request.url:find(pattern) then return end
        count = count + 1
        if count == nth then fn() end
      end,
    }
  end

  it("finds all although videos are deleted while the list is read", function()
    put_videos(250)
    after("/videos%?", 1, function()
      for i = 1, 40 do reconciling.api.videos:remove("vi" .. i) end
    end)
    assert(reconciling.new():once())
    local found = {}
    for _, text in ipairs(reconciling.found()) do found[text:match "vi%d+"] = true end
    for i = 41, 250 do assert.is_true(found["vi" .. i], "vi" .. i) end
  end)

  it("finds all since the last pass although videos are deleted while the list is read", function()
    put_videos(150)
    after("/videos%?", 1, function()
      for i = 1, 10 do reconciling.api.videos:remove("vi" .. i) end
    end)
    assert.equal(109 * 5, assert(reconciling.new { lookback = 1199 }:once()).found) -- of vi11 to vi119
  end)

  it("reads on after a video without a date of its update", function()
    put_videos(1)
    local listed = '{"videoId":"vi0","updatedAt":null,"createdAt":"2020-01-01T00:00:00+00:00"}'
    reconciling.api:fault { on = "/videos", status = 200, content_type = "application/json",
      body = ('{"data":[%s,{"videoId":"vi1","updatedAt":"%s"}]}'):format(listed, reconciling.date(-10)) }
    local summary = assert(reconciling.new():once())
    assert.equal(5, summary.found)
    assert.equal(1, summary.videos)
  end)

  it("finds all although videos are updated while the list is read", function()
    put_videos(250)
    after("/videos%?", 1, function()
      for i = 150, 250, 2 do reconciling.put_video("vi" .. i, { updatedAt = reconciling.date(1) }) end
    end)
    local reconciliation = reconciling.new()
    local first = assert(reconciliation:once()).found
    assert.equal(250 * 5, first + assert(reconciliation:once()).found)
  end)

  it("finds all although the counters of the lists are wrong", function()
    put_videos(250)
    reconciling.api:fault { on = "/videos", counters = true, times = math.huge }
    assert.equal(250 * 5, assert(reconciling.new():once()).found)
  end)

  it("leaves out a video that is deleted before its status is read", function()
    put_videos(2)
    after("/videos%?", 1, function() reconciling.api.videos:remove "vi1" end)
    local summary = assert(reconciling.new():once())
    assert.equal(5, summary.found)
    assert.equal(0, summary.waiting)
    assert.is_nil(summary.errors)
  end)

  it("reads a video again whose status could not be read", function()
    put_videos(60)
    reconciling.api:fault { on = "/videos/vi1/status", status = 500 }
    local summary = assert(reconciling.new():once())
    assert.equal(59 * 5, summary.found)
    assert.equal("server_error", summary.errors[1].kind)
    assert.equal(5, assert(reconciling.new():once()).found)
  end)

  it("reads the summaries although no video can be read, and the videos later", function()
    put_videos(3)
    reconciling.api:put_summary { summaryId = "summary_1", videoId = "vi9" }
    reconciling.api:fault { on = "/videos/vi%d/status", status = 503, times = 6 }
    for _, found in ipairs { 1, 0, 15 } do
      local summary = assert(reconciling.new():once())
      assert.equal(found, summary.found)
      assert.equal(found < 15 and 3 or 0, #(summary.errors or {}))
    end
  end)

  it("no longer reads videos that cannot be read within lookback", function()
    for i = 1, 3 do reconciling.put_video("vi" .. i) end
    reconciling.api:fault { on = "/videos/vi%d/status", status = 500, times = math.huge }
    local reconciliation = reconciling.new { lookback = 2, budget = 1 }
    assert.equal(3, assert(reconciliation:once()).waiting)
    wait_for(function() return assert(reconciliation:once()).dropped == 3 end, "the end of lookback")
    assert.equal(0, assert(reconciliation:once()).waiting)
  end)

  it("fails if it can read none of many videos, and continues later", function()
    put_videos(120)
    reconciling.api:fault { on = "/videos/vi%d+/status", status = 503, times = 50 }
    local _, err = reconciling.new():once()
    assert.equal("server_error", err.kind)
    assert.equal(50, reconciling.requests "/status")
    assert.equal(600, assert(reconciling.new():once()).found)
  end)

  it("ignores parts of a status that are not as documented", function()
    for i, body in ipairs { '{}', '{"encoding":null}', '{"encoding":{"qualities":null}}',
      '{"encoding":{"qualities":[]}}',
      '{"encoding":{"qualities":[null,1,{},{"type":1,"quality":"720p","status":"encoded"},{"status":"failed"}]}}' } do
      reconciling.put_video("vi" .. i)
      reconciling.api:fault { on = ("/videos/vi%d/status"):format(i), status = 200, body = body,
        content_type = "application/json" }
    end
    assert.equal(0, assert(reconciling.new():once()).found)
  end)

  it("ignores listed objects that are not as documented", function()
    put_videos(1)
    for _, path in ipairs { "/videos", "/live-streams", "/summaries" } do
      reconciling.api:fault { on = path, status = 200, content_type = "application/json",
        body = '{"data":[{},{"videoId":1,"updatedAt":2,"createdAt":null,"liveStreamId":3,"broadcasting":true}]}' }
    end
    assert.equal(0, assert(reconciling.new():once()).found)
    assert.equal(5, assert(reconciling.new():once { since = 3600 }).found)
  end)
end)
