-- A reconciliation of broadcasts: changes that it observes, and which stand down when the event itself has come.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local item = require "apivideo.inbox.item"
local reconciling = require "spec.support.reconciling"
local runtime = require "apivideo.runtime"
local running = require "spec.support.running"

local STARTED, ENDED = "live-stream.broadcast.started", "live-stream.broadcast.ended"

describe("a reconciliation of broadcasts", function()
  local reconciliation

  before_each(function()
    reconciling.start()
    reconciliation = reconciling.new()
    reconciling.api:put_live_stream { liveStreamId = "li1" }
    reconciling.api:put_live_stream { liveStreamId = "li2", broadcasting = true }
  end)
  after_each(running.stop)

  local function once() return assert(reconciliation:once()).found end

  local function put(id, broadcasting)
    reconciling.api:put_live_stream { liveStreamId = id, broadcasting = broadcasting }
  end

  local function deliver(type, id)
    return reconciling.deliver { type = type, liveStreamId = id }
  end

  it("tells nothing in its first pass", function()
    assert.equal(0, once())
    assert.equal(0, once())
  end)

  it("tells nothing about those of another account whose events are in the same inbox", function()
    local other = running.emulator { api_key = "other" }
    other:put_live_stream { liveStreamId = "li9" }
    local client = apivideo.client { api_key = "other", base_url = other.url, retries = 0 }
    local reconciliation_of_other = reconciling.new { client = client }
    for _ = 1, 2 do
      assert.equal(0, once())
      assert.equal(0, assert(reconciliation_of_other:once()).found)
    end
    other:put_live_stream { liveStreamId = "li9", broadcasting = true }
    assert.equal(0, once())
    assert.equal(1, assert(reconciliation_of_other:once()).found)
    assert.same({ STARTED .. " li9" }, reconciling.found())
  end)

  it("tells that one started, and that one ended", function()
    once()
    put("li1", true)
    put("li2", false)
    assert.equal(2, once())
    assert.same({ ENDED .. " li2", STARTED .. " li1" }, reconciling.found())
    assert.equal(0, once())
  end)

  it("tells it of a new stream, and of one that was deleted", function()
    once()
    put("li3", true)
    reconciling.api.live_streams:remove "li2"
    assert.equal(2, once())
    assert.same({ ENDED .. " li2", STARTED .. " li3" }, reconciling.found())
  end)

  it("continues if one cannot be read by its id, and tells of it when that is possible again", function()
    once()
    reconciling.put_video "vi1"
    reconciling.api.live_streams:remove "li2"
    local streams = reconciling.client.live_streams
    streams.get = function() return nil, errors.new("server_error", "broken") end
    local summary = assert(reconciliation:once())
    assert.equal(5, summary.found)
    assert.equal("broken", summary.errors[1].message)
    streams.get = nil
    assert.equal(1, once())
    assert.equal(ENDED .. " li2", reconciling.found()[1])
  end)

  it("tells nothing if the event has come", function()
    once()
    put("li1", true)
    deliver(STARTED, "li1")
    assert.equal(0, once())
  end)

  it("tells a start after an end that has come", function()
    once()
    deliver(STARTED, "li1")
    deliver(ENDED, "li1")
    put("li1", true)
    assert.equal(1, once())
    assert.same({ STARTED .. " li1" }, reconciling.found())
  end)

  it("makes the event itself a duplicate if that comes a little later", function()
    once()
    put("li1", true)
    assert.equal(1, once())
    assert.is_false(deliver(STARTED, "li1"))
  end)

  it("tells each broadcast of a stream", function()
    once()
    for _ = 1, 3 do
      put("li1", true)
      assert.equal(1, once())
      put("li1", false)
      assert.equal(1, once())
    end
    assert.equal(6, #reconciling.found())
  end)

  it("reads a stream that the list lacks by its id", function()
    once()
    reconciling.api:fault {
      on = "/live-streams", status = 200, content_type = "application/json", body = '{"data":[]}',
    }
    assert.equal(0, once())
    assert.equal(1, reconciling.requests "/live%-streams/li2")
  end)

  it("tells a change once, although the pass fails after it", function()
    once()
    put("li1", true)
    reconciling.api:fault { on = "GET /videos", status = 500 }
    assert.is_nil((reconciliation:once()))
    assert.equal(0, once())
    assert.equal(1, #reconciling.found())
  end)

  describe("that no pass saw", function()
    local places = {}

    -- Puts an event into the store as if it had come some seconds ago.
    local function came(type, id, seconds)
      places[#places + 1] = id
      local event = { type = type, liveStreamId = id, emittedAt = ("2026-01-01T00:00:00.%06dZ"):format(#places) }
      local raw = require("apivideo.events.outgoing").encode(event, apivideo.events)
      local new = item.new(reconciling.inbox, event, nil, { raw = raw })
      new.age = seconds
      assert.same({ true }, reconciling.store:put({ new }, 0))
    end

    -- Handles all events of the inbox.
    local function handle()
      for _, claim in ipairs(assert(reconciling.inbox:claim { limit = 100 })) do assert(claim:complete()) end
    end

    it("tells its end once, if the start has come and the end has not", function()
      once()
      came(STARTED, "li1", 100)
      handle()
      assert.equal(1, once())
      assert.same({ ENDED .. " li1" }, reconciling.found())
      handle()
      assert.equal(0, once())
      assert.equal(0, #reconciling.found())
    end)

    it("finds its end in the first pass, too, and if its stream was never listed before", function()
      came(STARTED, "li1", 100)
      came(ENDED, "li2", 100)
      assert.equal(2, once())
      reconciling.api:put_live_stream { liveStreamId = "li3" }
      came(STARTED, "li3", 100)
      local summary = assert(reconciliation:once())
      assert.equal(1, summary.found)
      assert.equal(ENDED .. " li3", summary.events[1].type .. " " .. summary.events[1].liveStreamId)
      assert.equal(0, summary.known)
    end)

    it("makes the end itself a duplicate if that comes a little later", function()
      once()
      came(STARTED, "li1", 100)
      assert.equal(1, once())
      assert.is_false(deliver(ENDED, "li1"))
    end)

    it("tells nothing if the end has come, or the start came just now, or longer ago than the retention", function()
      once()
      came(STARTED, "li1", 100)
      came(ENDED, "li1", 90)
      assert.equal(0, once())
      came(STARTED, "li1", 10)
      assert.equal(0, once())
      reconciling.api:put_live_stream { liveStreamId = "li3" }
      came(STARTED, "li3", reconciling.inbox._retention + 1)
      assert.equal(0, once())
    end)

    it("tells nothing if a broadcast starts between the list and the put", function()
      once()
      came(STARTED, "li1", 100)
      local streams, monotonic = reconciling.client.live_streams, core.monotonic
      function streams.each(...)
        local next_item = getmetatable(streams).__index.each(...)
        return function()
          local stream, response = next_item()
          if stream then return stream, response end
          came(STARTED, "li1", 0)
          core.monotonic = function() return monotonic() + 60 end
          runtime.monotonic = core.monotonic
        end
      end
      local found = once()
      core.monotonic, runtime.monotonic = monotonic, monotonic
      assert.equal(0, found)
    end)

    it("tells its start, if the stream broadcasts again after an end that has come, and that start has not", function()
      came(STARTED, "li2", 200)
      once()
      came(ENDED, "li2", 100)
      assert.equal(1, once())
      assert.same({ STARTED .. " li2" }, reconciling.found())
      assert.equal(0, once())
      put("li2", false)
      assert.equal(1, once())
      assert.same({ ENDED .. " li2", STARTED .. " li2" }, reconciling.found())
      assert.equal(0, once())
    end)

    it("tells nothing of the streams of another account", function()
      once()
      came(STARTED, "li9", 100)
      assert.equal(0, once())
    end)
  end)
end)
