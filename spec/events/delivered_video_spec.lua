-- What deliveries tell about their video, for the handlers of its event.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local video_states = require "spec.support.video_states"

local QUALITY = "video.encoding.quality.completed"
local new_client, quality, status_of = video_states.new_client, video_states.quality, video_states.status_of

local function ignore() end

describe("delivery.video", function()
  local client, handlers

  before_each(function()
    client = new_client()
    handlers = apivideo.handlers { client = client }
  end)

  it("reads the video and its status, each at most once for all handlers", function()
    client.found.vi1 = { title = "T" }
    local seen = {}
    for i = 1, 2 do
      handlers:on(QUALITY, function(_, delivery)
        seen[i] = { delivery.video:get(), { delivery.video:status() } }
      end)
    end
    handlers:dispatch(quality(), {})
    assert.same({ { title = "T" }, { nil, client.err } }, seen[1])
    assert.same(seen[1], seen[2])
    assert.same({ "get vi1", "status vi1" }, client.calls)
  end)

  it("shares a call that another task makes, and the calls of on_ready and on_recording", function()
    client.pause, client.statuses.vi1 = runtime.pass, status_of "hls 720p encoded"
    local first
    handlers:on_ready("all", function(_, delivery) assert(delivery.video:status()) end)
    handlers:on(QUALITY, function(_, delivery)
      apivideo.spawn(function() first = delivery.video:status() end)
      runtime.pass()
      assert.is_true(rawequal(delivery.video:status(), client.statuses.vi1))
    end)
    assert.equal(1, handlers:dispatch(quality(), {}))
    assert.equal(client.statuses.vi1, first)
    assert.same({ "status vi1" }, client.calls)
  end)

  it("reads again after an error that is retryable", function()
    local delivery = {}
    client.err = errors.new("server_error", "busy")
    handlers:on(QUALITY, ignore)
    handlers:dispatch(quality(), delivery)
    assert.same({ nil, client.err }, { delivery.video:get() })
    client.found.vi1 = { title = "T" }
    assert.same({ title = "T" }, (delivery.video:get()))
    assert.same({ title = "T" }, (delivery.video:get()))
    assert.same({ "get vi1", "get vi1" }, client.calls)
  end)

  it("returns what a call raised as an error", function()
    client.videos.get = function() error("wrong", 0) end
    local delivery = {}
    handlers:on(QUALITY, ignore)
    handlers:dispatch(quality(), delivery)
    assert.same({ nil, "wrong" }, { delivery.video:get() })
    assert.same({ nil, "wrong" }, { delivery.video:get() })
    assert.equal("apivideo.delivered_video vi1", tostring(delivery.video))
  end)

  it("rejects misuse of dispatch as handlers without a client do", function()
    local reading, event = apivideo.handlers { client = new_client() }, quality()
    for message, call in pairs {
      ["call it with a colon"] = function() reading.dispatch() end,
      ["event must be a table, got nil"] = function() reading:dispatch() end,
      ["event.type must be a string, got nil"] = function() reading:dispatch {} end,
      ["delivery must be a table, got string"] = function() reading:dispatch(event, "x") end,
      ["delivery must be a table, got number"] = function() reading:dispatch(event, 5) end,
    } do
      assert.matches(message, misuse(call), 1, true)
    end
  end)

  it("exists only with a client, for an event of a video", function()
    local delivery = {}
    handlers:dispatch({ type = "live-stream.broadcast.started", liveStreamId = "li1" }, delivery)
    apivideo.handlers():dispatch(quality(), delivery)
    assert.is_nil(delivery.video)
    local message = misuse(function() apivideo.handlers { client = {} } end)
    assert.matches('option "client" must come from apivideo.client', message, 1, true)
  end)
end)
