-- Derived events and an inbox: they are put in the step that completes their cause.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local json = require "apivideo.util.json"
local running = require "spec.support.running"
local server = require "apivideo.server"
local sqlite_stores = require "spec.support.sqlite_stores"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local raw_of, deliver, work, wait_until = inboxes.raw_of, working.deliver, working.work, working.wait_until

local QUALITY, READY = "video.encoding.quality.completed", "apivideo.video.ready"

describe("derived events with an inbox", function()
  local runs

  before_each(function()
    working.start()
    runs = {}
  end)

  after_each(function()
    working.stop()
    running.stop()
  end)

  local function note(event) runs[#runs + 1] = event.condition or event.quality end

  -- Delivers that a quality of a video is encoded.
  local function encoded(encoding, quality, id)
    assert.equal(204, deliver(raw_of(QUALITY, { videoId = id or "vi1", encoding = encoding, quality = quality })))
  end

  local function sorted()
    table.sort(runs)
    return runs
  end

  it("are handled once for each key, with their own delivery", function()
    local deliveries = {}
    working.handlers:on_ready("playable", note):on_ready("720p", note)
    working.handlers:on_ready("mp4", function(event, delivery)
      note(event)
      deliveries[#deliveries + 1] = delivery
    end)
    for _, quality in ipairs { "240p", "720p" } do encoded("hls", quality) end
    encoded("mp4", "720p")
    work()
    wait_until("done", 6)
    encoded("mp4", "1080p")
    wait_until("done", 7)
    assert.same({ "720p", "mp4", "playable" }, sorted())
    local delivery = deliveries[1]
    assert.equal(READY, delivery.event.type)
    assert.equal("derived", delivery.origin)
    assert.equal(1, delivery.attempt)
    assert.equal("webhook_1", delivery.webhook_id)
    assert.is_true(delivery.verified)
    assert.equal(apivideo.events:key(delivery.event), delivery.key)
    assert.equal(apivideo.events:sample(QUALITY).emittedAt, delivery.event.emittedAt)
  end)

  it("are retried alone when their handler fails", function()
    local fails = true
    working.handlers:on(QUALITY, note):on_ready("mp4", function(event, delivery)
      if fails then
        fails = false
        error "away"
      end
      runs[#runs + 1] = event.condition .. " " .. delivery.attempt
    end)
    encoded("mp4", "720p")
    work()
    wait_until("done", 2)
    assert.same({ "720p", "mp4 2" }, runs)
  end)

  it("follow only when all handlers of their cause have succeeded", function()
    local attempts = 0
    working.handlers:on_ready("mp4", note):on(QUALITY, function(_, delivery)
      attempts = delivery.attempt
      if attempts < 3 then return false end
      assert.equal(0, working.stats().done)
    end)
    encoded("mp4", "720p")
    work()
    wait_until("done", 2)
    assert.equal(3, attempts)
    assert.same({ "mp4" }, runs)
  end)

  it("are put once although a completion fails after its work", function()
    local complete, failures = working.store.complete, 0
    working.store.complete = function(_, ...)
      local result, err = complete(working.store, ...)
      if failures == 0 then
        failures = 1
        return nil, errors.new("store_unavailable", "no reply")
      end
      return result, err
    end
    working.handlers:on_ready("mp4", note)
    encoded("mp4", "720p")
    work()
    wait_until("done", 2)
    assert.same({ "mp4" }, runs)
    assert.equal("completed", working.settlements[1].disposition) -- the worker finds that out
  end)

  it("have the values of the delivery, whatever a handler has changed in it", function()
    working.handlers:on_ready("mp4", note):on(QUALITY, function(_, delivery)
      delivery.webhook_id, delivery.verified, delivery.attempt, delivery.origin = {}, "x", nil, {}
    end)
    encoded("mp4", "720p")
    work()
    wait_until("done", 2)
    assert.equal("webhook_1", working.inbox:list({ state = "done" })[2].webhook_id)
  end)

  it("complete without a message in a worker that has no handler for them", function()
    local derived = apivideo.handlers():on_ready("mp4", note)
    encoded("mp4", "720p")
    local cancel = apivideo.cancellation()
    working.inbox:work(derived, { cancel = cancel, on_settled = function() cancel:cancel() end })
    assert.same({}, runs)
    assert.equal(1, working.stats().waiting)
    local printed = inboxes.printed_by(function()
      apivideo.spawn(function()
        local others = apivideo.handlers():otherwise(note)
        working.inbox:work(others, { cancel = working.cancel })
      end)
      wait_until("done", 2)
    end)
    assert.equal("", printed)
    assert.same({}, runs)
  end)

  it("retry their cause if the state that they need cannot be read", function()
    local calls = 0
    local client = { videos = {
      status = function()
        calls = calls + 1
        if calls < 3 then return nil, errors.new("network", "no connection") end
        return { encoding = { qualities = { { type = "mp4", quality = "720p", status = "encoded" } } } }
      end,
    } }
    working.handlers = apivideo.handlers { client = client }:on_ready("all", note)
    encoded("mp4", "720p")
    work()
    wait_until("done", 2)
    assert.same({ "all" }, runs)
    assert.same({ "retried", "retried", "completed", "completed" }, {
      working.settlements[1].disposition, working.settlements[2].disposition, working.settlements[3].disposition,
      working.settlements[4].disposition })
    assert.matches("no connection", tostring(working.settlements[1].errors[1]))
  end)

  it("wait in their lane", function()
    working.over { lane = function(event) return event.videoId end }
    working.handlers:on(QUALITY, note):on_ready("playable", note)
    for _, quality in ipairs { "240p", "360p" } do encoded("hls", quality) end
    work { concurrency = 4 }
    wait_until("done", 3)
    assert.same({ "240p", "360p", "playable" }, runs)
  end)

  it("wake the workers that wait for an event", function()
    working.handlers:on_ready("mp4", note)
    encoded("mp4", "720p")
    local latch = working.inbox._arrival
    work()
    wait_until("done", 2)
    assert.is_true(latch:is_open())
  end)

  it("are handled once with several workers that share transactions", function()
    sqlite_stores.clean()
    finally(sqlite_stores.clean)
    working.store = sqlite_stores.open()
    working.over()
    for _, condition in ipairs { "playable", "mp4", "240p" } do working.handlers:on_ready(condition, note) end
    for i = 1, 20 do
      encoded("hls", "240p", "vi" .. i)
      encoded("mp4", "240p", "vi" .. i)
    end
    for _ = 1, 2 do work { concurrency = 5 } end
    wait_until("done", 100)
    local counts = {}
    for _, name in ipairs(runs) do counts[name] = (counts[name] or 0) + 1 end
    assert.same({ playable = 20, mp4 = 20, ["240p"] = 20 }, counts)
  end)

  it("follow from what a local api.video sends", function()
    local api = running.emulator()
    api:set_encoding { interval = 0.002, failed = { "hls 360p" } }
    local client = apivideo.client { api_key = "key", base_url = api.url, retries = 0 }
    local seen = {}
    working.handlers = apivideo.handlers { client = client }
    for _, condition in ipairs { "playable", "mp4", "360p", "720p", "all" } do
      working.handlers:on_ready(condition, note)
    end
    working.handlers:on_recording(function(event, delivery)
      seen[#seen + 1] = { event.liveStreamId, event.videoId, assert(delivery.video:get()).videoId }
    end)
    working.receiver = apivideo.receiver { inbox = working.inbox, secrets = client.webhooks:secret_source() }
    local listening = assert(server.listen { receiver = working.receiver })
    running.add(function() listening:stop() end)
    assert(client.webhooks:create { url = listening.url, events = working.handlers:types() })
    work { concurrency = 3 }
    local id = assert(client:request("POST", "/live-streams", { body = { name = "L" } })).liveStreamId
    assert(api:start_broadcast(id))
    local video = assert(api:end_broadcast(id))
    assert.is_true(api:settle(60))
    wait_for(function() return #runs == 4 and #seen == 1 and working.stats().waiting == 0 end, "the derived events")
    assert.same({ "720p", "all", "mp4", "playable" }, sorted())
    assert.same({ { id, video.videoId, video.videoId } }, seen)
  end)

  it("can be listed, and put by an application", function()
    local event = apivideo.events:sample "apivideo.caption.available"
    assert.is_true(working.inbox:put { event = event, raw = json.encode(event), origin = "reconcile" })
    assert.equal("apivideo.caption.available", working.inbox:list({ state = "waiting" })[1].event.type)
    working.handlers:on_caption(function(caption, delivery) runs[1] = caption.language .. " " .. delivery.origin end)
    work()
    wait_until("done", 1)
    assert.same({ "en reconcile" }, runs)
  end)
end)
