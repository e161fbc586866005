-- A reconciliation that ends in the middle of a pass: nothing is lost, and nothing is put twice.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local memory = require "apivideo.inbox.memory"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"

local VIDEOS = 60 -- more than one chunk

-- A store that fails from the nth call of a method on, before or after that call.
local function failing(inner, method, nth, is_after)
  local count, is_down = 0, false
  return setmetatable({}, { __index = function(_, name)
    if type(inner[name]) ~= "function" then return nil end
    return function(_, ...)
      if name == method then count = count + 1 end
      local is_last = name == method and count == nth
      if is_last and is_after then inner[name](inner, ...) end
      is_down = is_down or is_last
      if is_down then return nil, errors.new("store_unavailable", "the process has crashed") end
      return inner[name](inner, ...)
    end
  end })
end

describe("a reconciliation that crashes", function()
  local monotonic = core.monotonic

  before_each(function()
    reconciling.start()
    for i = 1, VIDEOS do reconciling.put_video("vi" .. i) end
    reconciling.api:put_summary { summaryId = "summary_1", videoId = "vi1" }
  end)

  after_each(function()
    core.monotonic = monotonic
    running.stop()
  end)

  -- Another process starts when the lease has expired.
  local function restart()
    core.monotonic = function() return monotonic() + 600 end
    reconciling.over(reconciling.store)
    return assert(reconciling.new():once())
  end

  for _, method in ipairs { "put", "save" } do
    for nth = 1, 3 do
      for _, is_after in ipairs { false, true } do
        it(("%s call %d of %s"):format(is_after and "after" or "before", nth, method), function()
          local inner = memory()
          reconciling.over(failing(inner, method, nth, is_after))
          local summary, err = reconciling.new():once()
          assert.is_nil(summary)
          assert.equal("store_unavailable", err.kind)
          reconciling.over(inner)
          local before = #reconciling.found()
          assert.equal(VIDEOS * 5 + 1, before + restart().found)
          assert.equal(VIDEOS * 5 + 1, #reconciling.found())
        end)
      end
    end
  end

  describe("after it has seen that a broadcast started", function()
    local STARTED, ENDED = "live-stream.broadcast.started", "live-stream.broadcast.ended"
    local inner

    local function put_stream(is_broadcasting)
      reconciling.api:put_live_stream { liveStreamId = "li1", broadcasting = is_broadcasting }
    end

    -- The events of broadcasts that were found, in order.
    local function broadcasts()
      local texts = {}
      for _, entry in ipairs(assert(reconciling.inbox:list({ state = "waiting" }, { limit = 10000 }))) do
        local event = entry.origin == "reconcile" and entry.event
        if event and event.liveStreamId == "li1" then texts[#texts + 1] = event.type end
      end
      return texts
    end

    local function crash(is_after)
      inner = memory()
      reconciling.over(inner)
      put_stream(false)
      assert(reconciling.new():once())
      put_stream(true)
      reconciling.over(failing(inner, "put", 1, is_after))
      assert.is_nil((reconciling.new():once()))
      reconciling.over(inner)
      for _, state in pairs(inner.states) do state.expires = 0 end
    end

    for _, is_after in ipairs { false, true } do
      local where = is_after and "after" or "before"

      it(("%s the event is stored: also tells that it ended since"):format(where), function()
        crash(is_after)
        put_stream(false)
        assert(reconciling.new():once())
        assert.same({ STARTED, ENDED }, broadcasts())
        assert.equal(0, assert(reconciling.new():once()).found)
      end)

      it(("%s the event is stored: tells nothing twice that came since"):format(where), function()
        crash(is_after)
        put_stream(false)
        reconciling.deliver { type = STARTED, liveStreamId = "li1" }
        reconciling.deliver { type = ENDED, liveStreamId = "li1" }
        assert(reconciling.new():once())
        assert.same(is_after and { STARTED } or {}, broadcasts())
      end)
    end
  end)

  it("does not read what it had saved", function()
    for i = 1, VIDEOS do
      reconciling.put_video("vi" .. i, { createdAt = reconciling.date(-10 * i), updatedAt = reconciling.date(-10 * i) })
    end
    local inner = memory()
    reconciling.over(failing(inner, "save", 2, false)) -- the second chunk, of 10, is not saved
    assert.is_nil((reconciling.new():once()))
    assert.equal(VIDEOS, reconciling.requests "/status")
    reconciling.over(inner)
    restart()
    -- And the last one that was saved: another video may have been updated in the same second.
    assert.equal(VIDEOS + 10 + 1, reconciling.requests "/status")
  end)

  it("lets another process have the lease at once after a failure of the API", function()
    reconciling.api:fault { on = "GET /summaries", status = 500 }
    local summary, err = reconciling.new():once()
    assert.is_nil(summary)
    assert.equal("server_error", err.kind)
    assert.equal(1, assert(reconciling.new():once()).found)
  end)

  it("loses its lease to another process, and then changes nothing", function()
    local inner = memory()
    local stolen = setmetatable({}, { __index = function(_, name)
      if type(inner[name]) ~= "function" then return nil end
      return function(_, ...)
        if name == "save" then
          core.monotonic = function() return monotonic() + 600 end
          assert.is_truthy(inner:acquire(reconciling.state_name(), 60, 0))
        end
        return inner[name](inner, ...)
      end
    end })
    reconciling.over(stolen)
    local _, err = reconciling.new():once()
    assert.equal("claim_lost", err.kind)
  end)

  it("continues where a cancelled pass ended", function()
    local cancel, count = apivideo.cancellation(), 0
    reconciling.client = apivideo.client {
      api_key = "key", base_url = reconciling.api.url, retries = 0,
      on_response = function(response)
        if response.request.url:find "/status" then count = count + 1 end
        if count == 55 then cancel:cancel() end
      end,
    }
    local _, err = reconciling.new():once { cancel = cancel }
    assert.equal("cancelled", err.kind)
    assert.equal(VIDEOS * 5 + 1, #reconciling.found() + assert(reconciling.new():once()).found)
  end)
end)
