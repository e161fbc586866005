-- Handlers of videos and recordings that are ready, without an inbox.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local misuse = require "spec.support.misuse"
local recent = require "apivideo.events.recent"
local runtime = require "apivideo.runtime"
local video_states = require "spec.support.video_states"
local wait_for = require "spec.support.wait"

local QUALITY, RECORDED = "video.encoding.quality.completed", "video.source.recorded"

local new_client, quality, status_of = video_states.new_client, video_states.quality, video_states.status_of

local function ignore() end

describe("handlers:on_ready", function()
  local handlers, ready

  before_each(function() handlers, ready = apivideo.handlers(), {} end)

  local function note(event) ready[#ready + 1] = event.videoId .. " " .. event.condition end

  local function dispatch(fields) return handlers:dispatch(quality(fields), {}) end

  it("runs a function once for each video and condition", function()
    for _, condition in ipairs { "playable", "mp4", "720p" } do handlers:on_ready(condition, note) end
    for _ = 1, 2 do
      assert.equal(1, dispatch { quality = "240p" })
      assert.equal(1, dispatch { encoding = "MP4" })
      assert.equal(1, dispatch { encoding = "HLS", quality = "720P" })
      assert.equal(1, dispatch { videoId = "vi2", encoding = "mp4", quality = "1080p" })
    end
    assert.same({ "vi1 playable", "vi1 mp4", "vi1 720p", "vi2 playable", "vi2 mp4" }, ready)
  end)

  it("passes the event and its delivery", function()
    local event, delivery
    handlers:on_ready("720p", function(...) event, delivery = ... end)
    handlers:dispatch(quality(), { webhook_id = "webhook_1", verified = true })
    assert.same({ type = "apivideo.video.ready", emittedAt = "2024-01-01T00:00:00Z", videoId = "vi1",
      condition = "720p" }, event)
    assert.equal(event, delivery.event)
    assert.equal("derived", delivery.origin)
    assert.equal("webhook_1", delivery.webhook_id)
    assert.is_true(delivery.verified)
    assert.equal(apivideo.events:key(event), delivery.key)
    assert.is_number(delivery.received_at)
    assert.same(event, apivideo.events:_parse_entry(delivery))
  end)

  it("runs a function after the handlers of the cause, unless one of them failed", function()
    local fails = true
    handlers:on_ready("720p", note)
    handlers:on(QUALITY, function()
      if fails then return false end
      ready[#ready + 1] = "cause"
    end)
    assert.is_nil(dispatch())
    assert.same({}, ready)
    fails = false
    assert.equal(1, dispatch())
    assert.same({ "cause", "vi1 720p" }, ready)
  end)

  it("fails the cause if a function fails, and runs it again, but not the functions that succeeded", function()
    local fails, reported = true, {}
    handlers:on_ready("playable", note):on_ready("720p", function(event)
      if fails then error("away", 0) end
      note(event)
    end)
    handlers:on_error(function(err, event) reported[#reported + 1] = err .. " " .. event.type end)
    local count, errs, tracebacks = dispatch()
    assert.is_nil(count)
    assert.same({ "away" }, errs)
    assert.is_string(tracebacks[1])
    assert.same({ "away apivideo.video.ready" }, reported)
    fails = false
    assert.equal(1, dispatch())
    assert.same({ "vi1 playable", "vi1 720p" }, ready)
  end)

  describe("while a function runs for another cause,", function()
    local runs, results, latches

    before_each(function()
      runs, results, latches = 0, {}, { runtime.latch(), runtime.latch() }
      handlers:on_ready("playable", function()
        runs = runs + 1
        return latches[runs]:wait()
      end)
      for i, name in ipairs { "720p", "240p" } do
        apivideo.spawn(function() results[i] = dispatch { quality = name } or "failed" end)
        runtime.pass()
      end
    end)

    it("waits for it, and does not run it again", function()
      assert.same({}, results)
      latches[1]:open(true)
      wait_for(function() return results[1] and results[2] end, "both causes")
      assert.same({ 1, 1 }, results)
      assert.equal(1, runs)
      assert.equal(1, dispatch())
      assert.equal(1, runs)
    end)

    it("runs it again if it fails", function()
      latches[1]:open(nil, "it failed")
      wait_for(function() return runs == 2 end, "the second run")
      assert.same({ "failed" }, results)
      latches[2]:open(true)
      wait_for(function() return results[2] end, "the second cause")
      assert.equal(1, results[2])
    end)
  end)

  it("counts as a handler of the cause, so otherwise does not get it", function()
    handlers:on_ready("mp4", note):otherwise(function() error "otherwise" end)
    assert.equal(1, dispatch())
    assert.is_nil((handlers:dispatch { type = RECORDED, videoId = "vi1" }))
  end)

  it("ignores an event without ids, and needs no delivery", function()
    handlers:on_ready("playable", note)
    assert.equal(1, handlers:dispatch { type = QUALITY })
    assert.equal(1, handlers:dispatch(quality()))
    assert.same({ "vi1 playable" }, ready)
  end)

  describe("when a reconciliation tells that a quality failed", function()
    local client

    before_each(function()
      client = new_client()
      handlers = apivideo.handlers { client = client }:on_ready("playable", note):on_ready("mp4", note)
    end)

    local function fail(id)
      assert.equal(1, handlers:dispatch({ type = "apivideo.video.failed", emittedAt = "2024-01-01T00:00:00Z",
        videoId = id, encoding = "mp4", quality = "240p" }, {}))
    end

    it("finds that all qualities ended, and takes the failed one as failed", function()
      handlers:on_ready("all", note):on_failed(ignore)
      client.statuses.vi1 = status_of("hls 240p encoded", "mp4 240p encoding") -- older than the event
      client.statuses.vi2 = status_of("hls 240p failed", "mp4 240p encoding")
      for _ = 1, 2 do
        fail "vi1"
        fail "vi2"
      end
      assert.same({ "vi1 playable", "vi1 all", "vi2 all" }, ready)
      assert.same({ QUALITY }, handlers:types())
    end)

    it("reads nothing without a function for all qualities", function()
      handlers:on_failed(ignore)
      fail "vi1"
      assert.same({}, ready)
      assert.same({}, client.calls)
    end)
  end)

  it("raises for a condition that it cannot store", function()
    local function message_of(condition, fn)
      return misuse(function()
        handlers:on_ready(condition, fn)
        return nil
      end)
    end
    assert.matches("no name that is the same in each process; use videos:wait", message_of(ignore, ignore), 1, true)
    assert.matches('condition must be "playable"', message_of("720", ignore), 1, true)
    assert.matches('condition must be "playable", "mp4", "all" or a quality such as "720p", got nil',
      message_of(nil, ignore), 1, true)
    assert.matches("option client", message_of("all", ignore), 1, true)
    assert.matches("a function expected", message_of "mp4", 1, true)
  end)

  it("does not run a function for an MP4 in the quality of a condition", function()
    handlers:on_ready("720p", note)
    dispatch { encoding = "mp4" }
    assert.same({}, ready)
  end)

  it("remembers long keys in a few bytes: a sender chooses their length", function()
    local map, long = recent.new(10), ("x"):rep(1000)
    map:set(long, "set")
    assert.equal("set", map:get(long))
    assert.is_nil(map:get(long .. "x"))
    assert.is_true(#next(map.new) <= 200)
    map:remove(long)
    assert.is_nil(map:get(long))
  end)

  it("remembers a limited number of events", function()
    local map = recent.new(10)
    for i = 1, 95 do
      map:set("k" .. i, i)
      map:set("k" .. i, false)
    end
    for i = 86, 95 do assert.is_false(map:get("k" .. i)) end
    local count = 0
    for i = 1, 95 do
      if map:get("k" .. i) ~= nil then count = count + 1 end
      map:remove("k" .. i)
      assert.is_nil(map:get("k" .. i))
    end
    assert.is_true(count <= 20, count)
  end)

  describe("with the condition all", function()
    local client

    before_each(function()
      client = new_client()
      handlers = apivideo.handlers { client = client }
      handlers:on_ready("all", note)
    end)

    it("runs a function when each listed quality is encoded or failed", function()
      client.statuses.vi1 = status_of("hls 240p encoded", "hls 720p encoding")
      assert.equal(1, dispatch { quality = "240p" })
      client.statuses.vi1 = status_of("hls 240p encoded", "mp4 720p failed")
      assert.equal(1, dispatch { quality = "240p" })
      assert.same({ "vi1 all" }, ready)
    end)

    it("counts the quality of the event as encoded although the status is older", function()
      client.statuses.vi1 = status_of("hls 240p encoded", "hls 720p encoding")
      assert.equal(1, dispatch())
      assert.same({ "vi1 all" }, ready)
      assert.equal("encoding", client.statuses.vi1.encoding.qualities[2].status)
    end)

    it("ignores parts of a status that are not as documented", function()
      for _, qualities in ipairs { "none", apivideo.null, { 5, apivideo.null, { type = 1 }, {} } } do
        client.statuses.vi1 = { encoding = { qualities = qualities } }
        assert.equal(1, dispatch())
      end
      client.statuses.vi1 = { encoding = apivideo.null }
      assert.equal(1, dispatch())
      assert.same({}, ready)
    end)

    it("recovers other conditions whose event was lost", function()
      handlers:on_ready("240p", note)
      client.statuses.vi1 = status_of("hls 240p encoded", "hls 720p encoding", "mp4 720p waiting")
      assert.equal(1, dispatch())
      assert.same({ "vi1 240p" }, ready)
    end)

    it("fails the cause if the status cannot be read, unless the video was deleted", function()
      local reported
      handlers:on_error(function(err) reported = err end)
      assert.equal(1, dispatch())
      client.err = errors.new("network", "no connection")
      local count, errs = dispatch()
      assert.is_nil(count)
      assert.same({ client.err }, errs)
      assert.equal(client.err, reported)
      client.statuses.vi1 = {}
      assert.equal(1, dispatch())
      assert.same({}, ready)
    end)
  end)
end)

describe("handlers:on_recording", function()
  local handlers, client, recordings

  local function note(event)
    recordings[#recordings + 1] = event.liveStreamId .. " " .. event.videoId
  end

  before_each(function()
    client, recordings = new_client(), {}
    handlers = apivideo.handlers { client = client }:on_recording(note)
  end)

  local function recorded(fields)
    local event = { type = RECORDED, emittedAt = "2024-01-01T00:00:00Z", videoId = "vi1", liveStreamId = "li1" }
    for name, value in pairs(fields or {}) do event[name] = value or nil end
    return event
  end

  local function stream(id)
    return { source = { type = "liveStream", liveStream = { liveStreamId = id } } }
  end

  it("runs a function once for each recording that is playable", function()
    client.statuses.vi1 = status_of "hls 240p waiting"
    handlers:dispatch(recorded())
    assert.same({}, recordings)
    for _, name in ipairs { "240p", "360p" } do handlers:dispatch(quality { quality = name }) end
    handlers:dispatch(quality { videoId = "vi2", liveStreamId = "li1" })
    assert.same({ "li1 vi1", "li1 vi2" }, recordings)
    assert.same({ "status vi1" }, client.calls)
  end)

  it("runs a function if the recording was encoded before it was reported", function()
    client.statuses.vi1 = status_of "hls 240p encoded"
    handlers:dispatch(recorded())
    handlers:dispatch(quality())
    assert.same({ "li1 vi1" }, recordings)
  end)

  it("reads the live stream of a video if no event names it, once for each video", function()
    client.found.vi1, client.found.vi2 = stream "li7", { source = { type = "upload" } }
    for _, id in ipairs { "vi1", "vi2" } do
      for _, name in ipairs { "240p", "360p" } do handlers:dispatch(quality { videoId = id, quality = name }) end
    end
    assert.same({ "li7 vi1" }, recordings)
    assert.same({ "get vi1", "get vi2" }, client.calls)
    client.statuses.vi3, client.found.vi3 = status_of "mp4 720p encoded", stream "li8"
    handlers:dispatch(recorded { videoId = "vi3", liveStreamId = false })
    assert.same({ "li7 vi1", "li8 vi3" }, recordings)
  end)

  it("fails the cause if the video cannot be read, unless it was deleted", function()
    assert.equal(1, handlers:dispatch(quality()))
    client.err = errors.new("network", "no connection")
    assert.is_nil((handlers:dispatch(quality { videoId = "vi2" })))
    assert.is_nil((handlers:dispatch(recorded { videoId = "vi3" })))
    client.found.vi2 = stream "li1"
    assert.equal(1, handlers:dispatch(quality { videoId = "vi2" }))
    client.found.vi4 = { source = { liveStream = { liveStreamId = 5 } } }
    assert.equal(1, handlers:dispatch(quality { videoId = "vi4" }))
    client.found.vi5 = {}
    assert.equal(1, handlers:dispatch(quality { videoId = "vi5" }))
    assert.same({ "li1 vi2" }, recordings)
  end)

  it("uses only what the events tell without a client", function()
    handlers = apivideo.handlers():on_recording(note)
    handlers:dispatch(quality())
    handlers:dispatch(recorded())
    assert.same({}, recordings)
    handlers:dispatch(quality { quality = "360p" })
    handlers:dispatch(quality { videoId = "vi2", liveStreamId = "li2" })
    assert.same({ "li1 vi1", "li2 vi2" }, recordings)
  end)
end)
