local apivideo = require "apivideo"
local misuse = require "spec.support.misuse"
local rate_limit = require "apivideo.transport.rate_limit"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local waits = require "spec.support.waits"

local PAGE = '{"data":[],"pagination":{"links":[]}}'

describe("rate limit", function()
  local now, offset
  local calls -- limiter -> the acquired calls, oldest first

  before_each(function()
    offset, now = 0, runtime.now
    calls = {}
    runtime.now = function() return now() + offset end
    waits.set(0.01)
  end)

  after_each(function()
    runtime.now = now
    waits.restore()
  end)

  local function response(status, limit, remaining, seconds)
    return { status = status, headers = {
      ["x-ratelimit-limit"] = limit and tostring(limit), ["x-ratelimit-remaining"] = remaining and tostring(remaining),
      ["x-ratelimit-retry-after"] = seconds and tostring(seconds),
    } }
  end

  -- Acquires a call; nil, or the seconds to wait.
  local function acquire(limiter, class)
    local call = {}
    local seconds = limiter:acquire(class, call)
    calls[limiter] = calls[limiter] or {}
    if not seconds then table.insert(calls[limiter], call) end
    return seconds
  end

  -- Ends the oldest call.
  local function finished(limiter, class, reply)
    limiter:finished(class, table.remove(calls[limiter], 1), reply)
  end

  -- How many calls can be acquired at once, at most `most`.
  local function acquire_all(limiter, class, most)
    for i = 1, most do
      if acquire(limiter, class) then return i - 1 end
    end
    return most
  end

  describe("counts", function()
    it("the calls of a window, as responses report them", function()
      local limiter = rate_limit.new "a"
      assert.is_nil(rate_limit.view(limiter).reads)
      assert.is_nil(acquire(limiter, "reads"))
      finished(limiter, "reads", response(200, 10, 9, 30))
      assert.equal(10, rate_limit.view(limiter).reads.limit)
      assert.equal(9, rate_limit.view(limiter).reads.remaining)
      assert.is_true(math.abs(rate_limit.view(limiter).reads.resets_in - 30) < 1)
      assert.is_nil(rate_limit.view(limiter).writes)
      assert.equal(9, acquire_all(limiter, "reads", 20))
      local seconds = acquire(limiter, "reads")
      assert.is_true(seconds > 29 and seconds <= 30)
      assert.equal(0, rate_limit.view(limiter).reads.remaining)
      assert.is_nil((acquire(limiter, "writes")))
    end)

    it("calls of other clients, too", function()
      local limiter = rate_limit.new "a"
      acquire(limiter, "reads")
      finished(limiter, "reads", response(200, 100, 3, 30))
      assert.equal(3, acquire_all(limiter, "reads", 20))
    end)

    it("responses in any order", function()
      local limiter = rate_limit.new "a"
      for _ = 1, 4 do acquire(limiter, "reads") end
      for _, remaining in ipairs { 6, 9, 7, 8 } do
        finished(limiter, "reads", response(200, 10, remaining, 30))
      end
      assert.equal(6, rate_limit.view(limiter).reads.remaining)
      assert.equal(6, acquire_all(limiter, "reads", 20))
    end)

    it("the next window from the start", function()
      local limiter = rate_limit.new "a"
      for _ = 1, 10 do acquire(limiter, "reads") end
      for remaining = 0, 9 do finished(limiter, "reads", response(200, 10, remaining, 30)) end
      assert.is_number((acquire(limiter, "reads")))
      offset = 31
      assert.equal(10, acquire_all(limiter, "reads", 20))
      finished(limiter, "reads", response(200, 10, 5, 60)) -- five calls of this client or of another one
      assert.equal(0, rate_limit.view(limiter).reads.remaining)
      assert.is_true(rate_limit.view(limiter).reads.resets_in > 59)
    end)

    it("a window that began between two responses, with the calls in progress", function()
      local limiter = rate_limit.new "a"
      for _ = 1, 5 do acquire(limiter, "reads") end
      finished(limiter, "reads", response(200, 10, 5, 1))
      finished(limiter, "reads", response(200, 10, 9, 60))
      assert.equal(6, rate_limit.view(limiter).reads.remaining) -- 9, less the three that are under way
    end)

    it("up to the lowest documented limits while nothing is known", function()
      local limiter = rate_limit.new "a"
      assert.equal(100, acquire_all(limiter, "reads", 200))
      assert.equal(40, acquire_all(limiter, "writes", 200))
      for _ = 1, 100 do finished(limiter, "reads") end -- without a response
      offset = 2
      assert.is_nil((acquire(limiter, "reads")))
    end)

    it("nothing when the server reports no limits", function()
      local limiter = rate_limit.new "a"
      acquire(limiter, "reads")
      finished(limiter, "reads", response(200))
      assert.is_nil(rate_limit.view(limiter).reads)
      assert.equal(5000, acquire_all(limiter, "reads", 5000))
    end)

    it("nothing by headers that are not numbers", function()
      for _, headers in ipairs { { "x", "y", "z" }, { "-1", "5", "5" }, { "0", "0", "5" }, { "10", "", "5" },
        { "10", "1.5", "5" } } do
        local limiter = rate_limit.new "a"
        acquire(limiter, "writes")
        finished(limiter, "writes", response(404, headers[1], headers[2], headers[3]))
        assert.equal(39, acquire_all(limiter, "writes", 200))
      end
    end)

    it("no wait of more than a minute", function()
      local limiter = rate_limit.new "a"
      acquire(limiter, "reads")
      finished(limiter, "reads", response(429, 10, 0, 999999))
      assert.is_true(acquire(limiter, "reads") <= 60)
    end)

    it("a 429 as the end of the window, with any headers", function()
      for _, headers in ipairs { {}, { 10, 9, 5 }, { 10 } } do
        local limiter = rate_limit.new "a"
        acquire(limiter, "reads")
        finished(limiter, "reads", response(429, headers[1], headers[2], headers[3]))
        assert.is_number((acquire(limiter, "reads")))
        offset = offset + 6
        assert.is_nil((acquire(limiter, "reads")))
      end
    end)
  end)

  it("allows calls when its store fails", function()
    local limiter = rate_limit.new("a", {
      get = function() end, set = function() end, incr = function() return nil, "no memory" end,
    })
    assert.is_nil((acquire(limiter, "reads")))
    finished(limiter, "reads", response(200, 10, 0, 30))
    assert.is_nil((acquire(limiter, "reads")))
  end)

  it("ignores a window from before the clock was set back", function()
    local limiter = rate_limit.new "a"
    acquire(limiter, "reads")
    finished(limiter, "reads", response(200, 10, 0, 60))
    assert.is_number((acquire(limiter, "reads")))
    offset = -3600
    assert.is_nil((acquire(limiter, "reads")))
    finished(limiter, "reads", response(200, 10, 5, 30))
    assert.equal(5, rate_limit.view(limiter).reads.remaining)
  end)

  it("attributes a late response to its window", function()
    local limiter = rate_limit.new "a"
    acquire(limiter, "reads")
    acquire(limiter, "reads")
    finished(limiter, "reads", response(200, 10, 9, 60))
    finished(limiter, "reads", response(200, 10, 0, 1)) -- of the window before
    assert.equal(8, rate_limit.view(limiter).reads.remaining)
  end)

  it("forgets calls that were abandoned", function()
    local limiter = rate_limit.new "a"
    for _ = 1, 10 do limiter:acquire("reads", {}) end
    limiter:finished("reads", {}, response(200, 10, 0, 30))
    collectgarbage()
    collectgarbage()
    offset = 31
    assert.equal(10, acquire_all(limiter, "reads", 20))
  end)

  it("is shared by a store, for each account", function()
    local shared = {}
    local store = {
      get = function(_, key) return shared[key] end,
      set = function(_, key, value) shared[key] = value end,
      incr = function(_, key, value, init)
        shared[key] = (shared[key] or init) + value
        return shared[key]
      end,
    }
    local one, two, other = rate_limit.new("a", store), rate_limit.new("a", store), rate_limit.new("b", store)
    acquire(one, "reads")
    finished(one, "reads", response(200, 10, 4, 30))
    assert.equal(4, rate_limit.view(two).reads.remaining)
    assert.equal(2, acquire_all(one, "reads", 2))
    assert.equal(2, acquire_all(two, "reads", 20))
    assert.is_nil(rate_limit.view(other).reads)
    for key in pairs(shared) do assert.truthy(key:find("^apivideo:")) end
    for _, key in ipairs { "the-key", "other-key" } do
      apivideo.client({ api_key = key, base_url = "http://127.0.0.1:1", retries = 0, rate_limit = { store = store } })
        .webhooks:list()
    end
    local accounts = 0
    for key in pairs(shared) do
      assert.is_nil(key:find("key", 1, true))
      if key:find(":taken", 1, true) then accounts = accounts + 1 end
    end
    assert.equal(3, accounts)
  end)

  -- A server that accepts so many calls in each window, which is one second by default.
  local function counting(limit, seconds)
    local self = { rejected = 0, passed = 0 }
    local window, used = 0, 0
    self.server = assert(server.listen {
      handler = function()
        local time = runtime.monotonic()
        if time >= window then window, used = time + (seconds or 1), 0 end
        used = used + 1
        local headers = { ["X-RateLimit-Limit"] = tostring(limit),
          ["X-RateLimit-Remaining"] = tostring(math.max(0, limit - used)),
          ["X-RateLimit-Retry-After"] = tostring(math.ceil(window - time)) }
        if used > limit then
          self.rejected = self.rejected + 1
          return 429, headers, "{}"
        end
        self.passed = self.passed + 1
        return 200, headers, PAGE
      end,
    })
    return self
  end

  local function burst(client, count)
    local items = {}
    for i = 1, count do items[i] = i end
    return apivideo.parallel(20, items, function() return client.webhooks:list() end)
  end

  it("makes a burst wait instead of receiving 429", function()
    local api = counting(30)
    local client = apivideo.client { api_key = "k", base_url = api.server.url, retries = 0 }
    local _, errors = burst(client, 75)
    assert.is_nil(errors)
    assert.equal(0, api.rejected)
    assert.equal(75, api.passed)
    assert.equal(30, client.rate_limit.reads.limit)
    api.server:stop()
  end)

  it("can be switched off", function()
    local api = counting(10, 60)
    local client = apivideo.client { api_key = "k", base_url = api.server.url, retries = 0, rate_limit = false }
    local _, errors = burst(client, 20)
    assert.equal("rate_limited", errors[20].kind)
    assert.is_true(errors[20].retry_after > 50 and errors[20].retry_after <= 60)
    assert.is_true(api.rejected > 0)
    assert.is_nil(client.rate_limit)
    api.server:stop()
  end)

  it("is an error at once when the wait would exceed the total timeout", function()
    local responding = assert(server.listen {
      handler = function()
        return 200, { ["X-RateLimit-Limit"] = "1", ["X-RateLimit-Remaining"] = "0",
          ["X-RateLimit-Retry-After"] = "50" }, PAGE
      end,
    })
    local client = apivideo.client { api_key = "k", base_url = responding.url, total_timeout = 5 }
    assert(client.webhooks:list())
    local page, err = client.webhooks:list()
    assert.is_nil(page)
    assert.equal("rate_limited", err.kind)
    assert.equal(0, err.attempts)
    assert.is_true(err.retry_after > 40)
    assert.is_true(err.retryable)
    responding:stop()
  end)

  it("does not count calls that failed for the next window", function()
    local limiter = rate_limit.new "a"
    for _ = 1, 5 do acquire(limiter, "reads") end
    finished(limiter, "reads", response(200, 10, 9, 30))
    for _ = 1, 4 do finished(limiter, "reads") end
    offset = 31
    assert.equal(10, acquire_all(limiter, "reads", 20))
  end)

  it("shows nothing but the limits", function()
    local limits = apivideo.client({ api_key = "k", base_url = "http://127.0.0.1:1" }).rate_limit
    for _, name in ipairs { "acquire", "finished", "_store", "_keys", "reads", "writes" } do
      assert.is_nil(limits[name])
    end
  end)

  it("rejects an invalid store", function()
    for _, store in ipairs { {}, { get = function() end, set = function() end } } do
      local options = { api_key = "k", rate_limit = { store = store } }
      local message = misuse(function() return (apivideo.client(options)) end)
      assert.truthy(message:find("must have get, set, incr", 1, true), message)
    end
  end)
end)
