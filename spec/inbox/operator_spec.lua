-- What operators do with an inbox: they look for entries, and change many of them.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local misuse = require "spec.support.misuse"
local runtime = require "apivideo.runtime"
local testing = require "apivideo.testing"

describe("an inbox, for an operator,", function()
  local inbox, store, handlers

  before_each(function()
    store = testing.store()
    inbox = apivideo.inbox { store = store, lane = function(event) return event.videoId end }
    handlers = apivideo.handlers()
  end)

  after_each(function() testing.clock:reset() end)

  local function put(type, fields, more)
    local raw = inboxes.raw_of(type, fields)
    local delivery = { event = assert(apivideo.parse(raw)), raw = raw, received_at = 1700000000 }
    for name, value in pairs(more or {}) do delivery[name] = value end
    return assert(inbox:put(delivery))
  end

  -- Makes all events dead letters.
  local function fail_all(message)
    handlers = apivideo.handlers():otherwise(function() return apivideo.permanent(message or "no luck") end)
    inboxes.printed_by(function() assert(testing.drain(inbox, handlers)) end)
  end

  -- Puts and dead-letters captions of several videos.
  local function dead_letters(count)
    for i = 1, count do
      put("video.caption.generated", { captionId = tostring(i), videoId = "vi" .. i })
    end
    fail_all()
  end

  it("lists by type, pattern, video, lane, webhook and time", function()
    put("video.caption.generated", { captionId = "1", videoId = "vi1" }, { webhook_id = "webhook_1" })
    put("video.source.recorded", { videoId = "vi2" })
    put("live-stream.broadcast.started", {}, { received_at = 1700000100 })
    local function count_of(filter)
      local entries = assert(inbox:list(filter))
      assert.equal(#entries, inbox:count(filter))
      return #entries
    end
    assert.equal(3, count_of())
    assert.equal(3, count_of { type = "*" })
    assert.equal(2, count_of { type = "video.*" })
    assert.equal(1, count_of { type = "video.caption.generated" })
    assert.equal(0, count_of { type = "video" })
    assert.equal(0, count_of { type = "live.*" }) -- its types begin with "live-stream."
    assert.equal(1, count_of { video_id = "vi2" })
    assert.equal(1, count_of { lane = "vi2" })
    assert.equal(1, count_of { webhook_id = "webhook_1" })
    assert.equal(1, count_of { since = 1700000100 })
    assert.equal(2, count_of { before = 1700000100, state = "waiting" })
    local newest = assert(inbox:list(nil, { newest = true, limit = 1 }))
    assert.equal("live-stream.broadcast.started", newest[1].event.type)
    assert.equal(2, #inbox:list({}, { newest = true, after = newest[1].id }))
  end)

  it("lists bytes that cannot be parsed, which have no type", function()
    local _, err = apivideo.parse "{"
    assert(inbox:put { raw = "{", err = err })
    assert.equal(1, inbox:count { state = "dead" })
    assert.equal(0, inbox:count { type = "*" })
  end)

  it("gets one entry", function()
    dead_letters(1)
    local entry = assert(inbox:get(1))
    assert.equal("dead", entry.state)
    assert.equal("vi1", entry.event.videoId)
    assert.equal("video.caption.generated", entry.type)
    local missing, err = inbox:get(2)
    assert.is_nil(missing)
    assert.equal("inbox: not_found: no entry has the id 2", tostring(err))
    store:fail()
    assert.equal("store_unavailable", select(2, inbox:get(1)).kind)
  end)

  it("finds more entries than one call of the store looks at", function()
    for i = 1, 2300 do put("video.caption.generated", { captionId = tostring(i), videoId = "vi" .. i }) end
    assert.equal(2300, #inbox:list(nil, { limit = 5000 }))
    assert.equal(1500, #inbox:list(nil, { limit = 1500, newest = true }))
    assert.equal("vi2250", inbox:list({ video_id = "vi2250" })[1].event.videoId)
    assert.equal(2300, inbox:count())
  end)

  for _, method in ipairs { "redrive", "purge" } do
    describe(method, function()
      it("changes the entries that match, in batches", function()
        dead_letters(1200)
        local seen = {}
        local function on_progress(count) seen[#seen + 1] = count end
        assert.equal(1, inbox[method](inbox, { state = "dead", video_id = "vi1" }, { on_progress = on_progress }))
        assert.same({ 1, 1 }, seen)
        assert.equal(1199, inbox:count { state = "dead" })
        assert.equal(1199, inbox[method](inbox, { state = "dead" }, { dry_run = true, rate = 0.01 }))
        seen = {}
        assert.equal(1199, inbox[method](inbox, { state = "dead" }, { on_progress = on_progress }))
        assert.equal(2, #seen)
        assert.is_true(seen[1] <= 1000)
        assert.equal(1199, seen[2])
        assert.equal(0, inbox:count { state = "dead" })
      end)

      it("changes nothing with dry_run", function()
        dead_letters(3)
        assert.equal(3, inbox[method](inbox, { state = "dead" }, { dry_run = true }))
        assert.equal(3, inbox:count { state = "dead" })
      end)

      it("keeps to a rate", function()
        dead_letters(30)
        local started = runtime.monotonic()
        assert.equal(30, inbox[method](inbox, { state = "dead" }, { rate = 40 }))
        local seconds = runtime.monotonic() - started
        assert.is_true(seconds > 0.45 and seconds < 5, seconds)
      end)

      it("can be cancelled, also while it waits for its rate", function()
        dead_letters(10)
        local cancel = apivideo.cancellation()
        apivideo.spawn(function()
          apivideo.sleep(0.05)
          cancel:cancel()
        end)
        local started = runtime.monotonic()
        local count, err = inbox[method](inbox, { state = "dead" }, { rate = 0.1, cancel = cancel })
        assert.is_true(runtime.monotonic() - started < 5) -- the rate alone would be 10 s
        assert.is_nil(count)
        assert.equal("inbox: cancelled: the call was cancelled after 1 entries", tostring(err))
        assert.equal(9, inbox:count { state = "dead" })
        assert.equal("cancelled", select(2, inbox[method](inbox, { state = "dead" }, { cancel = cancel })).kind)
        assert.equal(9, inbox[method](inbox, { state = "dead" }))
      end)

      it("returns the error of the store", function()
        dead_letters(1)
        store:fail()
        local count, err = inbox[method](inbox, { state = "dead" })
        assert.is_nil(count)
        assert.equal("store_unavailable", err.kind)
      end)

      it("lets other tasks run between two batches", function()
        dead_letters(2500)
        local turns = 0
        apivideo.spawn(function()
          while turns >= 0 do
            turns = turns + 1
            runtime.pass()
          end
        end)
        assert.equal(2500, inbox[method](inbox, { state = "dead" }))
        local count = turns
        turns = -1
        assert.is_true(count >= 2)
      end)
    end)
  end

  it("redrive wakes a worker, and the attempts are counted from the start", function()
    dead_letters(1)
    local cancel, attempt, is_woken = apivideo.cancellation(), nil, nil
    local working = apivideo.handlers():otherwise(function(_, delivery)
      attempt = delivery.attempt
      cancel:cancel()
    end)
    apivideo.spawn(function()
      apivideo.sleep(0.05)
      local arrival = inbox._arrival
      inbox:redrive()
      is_woken = arrival:is_open() -- the worker would find the event at its next poll, too
    end)
    assert(inbox:work(working, { cancel = cancel }))
    assert.equal(1, attempt)
    assert.is_true(is_woken)
  end)

  it("purge removes entries that ended long enough ago, or one by its id", function()
    dead_letters(3)
    testing.clock:advance(100)
    assert.equal(0, inbox:purge({ state = "dead" }, { age = 200 }))
    assert.equal(1, inbox:purge { id = 2 })
    assert.equal(0, inbox:purge { id = 2 })
    assert.equal(2, inbox:purge({ state = "dead" }, { age = 100 }))
    put("video.source.recorded", {})
    local id = inbox:list()[1].id
    assert.equal(0, inbox:purge { id = id }) -- it waits
    assert(testing.drain(inbox, apivideo.handlers():otherwise(function() end)))
    assert.equal(1, inbox:purge { id = id })
  end)

  describe("replay", function()
    local function over(more)
      inbox = apivideo.inbox { store = store, retain_bodies = more and more.retain_bodies }
    end

    it("hands events to handlers again, with the same key and delivery.replay", function()
      over { retain_bodies = true }
      put("video.caption.generated", { captionId = "1" })
      put("video.source.recorded", { videoId = "vi2" })
      local seen = {}
      handlers:on("*", function(event, delivery)
        seen[#seen + 1] = { event.videoId, delivery.key, delivery.replay, delivery.attempt }
      end)
      assert.equal(2, testing.drain(inbox, handlers))
      assert.equal("vi2", inbox:get(2).event.videoId)
      assert.equal(1, inbox:replay({ type = "video.source.*" }, { dry_run = true }))
      assert.equal(0, testing.drain(inbox, handlers))
      assert.equal(1, inbox:replay({ type = "video.source.*" }, { rate = 1000 }))
      assert.equal(1, testing.drain(inbox, handlers))
      assert.equal(3, #seen)
      assert.same({ seen[2][1], seen[2][2], true, 1 }, seen[3])
      assert.is_nil(seen[2][3])
      assert.equal(2, inbox:count { state = "done" })
      assert.equal(2, #inbox:get(2).attempts)
      assert.is_true(inbox:get(2).replay)
    end)

    it("does not double derived events", function()
      over { retain_bodies = true }
      put("video.encoding.quality.completed", { encoding = "hls", quality = "720p" })
      local ready = {}
      handlers:on_ready("720p", function(_, delivery) ready[#ready + 1] = delivery.replay or false end)
      assert.equal(2, testing.drain(inbox, handlers))
      assert.equal(1, inbox:replay { type = "video.encoding.*" })
      assert.equal(1, testing.drain(inbox, handlers))
      assert.same({ false }, ready)
      assert.equal(1, inbox:replay { type = "apivideo.video.ready" })
      assert.equal(1, testing.drain(inbox, handlers))
      assert.same({ false, true }, ready)
    end)

    it("needs the bytes, which are removed without retain_bodies", function()
      over()
      put("video.source.recorded", {})
      assert.equal(1, testing.drain(inbox, handlers:otherwise(function() end)))
      assert.equal("", inbox:get(1).raw)
      assert.equal(0, inbox:replay(nil, { dry_run = true }))
      assert.equal(0, inbox:replay())
    end)
  end)

  it("rejects wrong filters and options where they are written", function()
    for message, call in pairs {
      ['inbox:list: filter: unknown option "typ"; did you mean "type"?'] = function() inbox:list { typ = "x" } end,
      ["inbox:count: filter: state must be waiting, claimed, dead or done, got \"lost\""] = function()
        inbox:count { state = "lost" }
      end,
      ["inbox:list: filter: since must be a finite number"] = function() inbox:list { since = -math.huge } end,
      ["inbox:count: filter: before must be a finite number"] = function() inbox:count { before = 0 / 0 } end,
      ["inbox:list: filter: a table of options expected, got string"] = function() inbox:list "dead" end,
      ["inbox:redrive: filter: state must be dead, got \"done\""] = function() inbox:redrive { state = "done" } end,
      ["inbox:replay: filter: state must be done, got \"dead\""] = function() inbox:replay { state = "dead" } end,
      ["inbox:purge: filter: state must be dead or done, got nil"] = function() inbox:purge { type = "video.*" } end,
      ["inbox:purge: filter: state must be dead or done, got claimed"] = function()
        inbox:purge { id = 1, state = "claimed" }
      end,
      ['inbox:redrive: option "rate" must be a number above 0'] = function() inbox:redrive({}, { rate = 0 }) end,
      ['inbox:purge: option "cancel" must come from apivideo.cancellation()'] = function()
        inbox:purge({ state = "dead" }, { cancel = {} })
      end,
      ['inbox:redrive: unknown option "age"'] = function() inbox:redrive({}, { age = 1 }) end,
      ["inbox:get: id must be an integer of at least 1"] = function() inbox:get "1" end,
    } do
      assert.truthy(misuse(call):find(message, 1, true), misuse(call))
    end
  end)

  it("has filters whose text is no pattern", function()
    put("video.caption.generated", { captionId = "1" })
    fail_all "100% of (it) failed"
    assert.equal(1, inbox:count { error = "100% of (it)" })
    assert.equal(0, inbox:count { error = "100.* of" })
  end)
end)
