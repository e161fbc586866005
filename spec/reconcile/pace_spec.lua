-- The pace of a reconciliation: a share of the rate limit.

local apivideo = require "apivideo"
local pace = require "apivideo.reconcile.pace"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

describe("the pace of a reconciliation", function()
  local monotonic, sleep, time = runtime.monotonic, runtime.sleep, 0

  -- A clock that only the pauses of the pace move.
  before_each(function()
    time = 1000
    runtime.monotonic = function() return time end
    runtime.sleep = function(seconds) time = time + seconds end
  end)

  after_each(function() runtime.monotonic, runtime.sleep = monotonic, sleep end)

  -- How many calls are made within some seconds.
  local function calls_within(self, seconds)
    local count, ends = 0, time + seconds
    while true do
      self:wait(nil, function() end)
      if time > ends then return count end
      self:charge(1)
      count = count + 1
    end
  end

  it("is the share of the limit in each minute, after the first", function()
    local self = pace.new({ rate_limit = { reads = { limit = 500 } } }, 0.2)
    assert.equal(200, calls_within(self, 60))
    for _ = 1, 10 do
      local count = calls_within(self, 60)
      assert.is_true(count >= 99 and count <= 101, tostring(count))
    end
  end)

  it("is that of the sandbox while no limit is known", function()
    for _, client in ipairs { { rate_limit = {} }, {} } do
      local self = pace.new(client, 0.2)
      assert.equal(40, calls_within(self, 60))
    end
  end)

  it("does not save up more than a minute", function()
    local self = pace.new({ rate_limit = { reads = { limit = 500 } } }, 0.2)
    time = time + 86400
    assert.equal(200, calls_within(self, 60))
  end)

  it("counts retries", function()
    local self = pace.new({ rate_limit = { reads = { limit = 60 } } }, 1)
    self:charge(90)
    assert.equal(90, self.calls)
    self:wait(nil, function() end)
    assert.is_true(time >= 1000 + 31 - 1e-6, tostring(time))
  end)

  it("makes a call now and then with a very small share", function()
    local self = pace.new({ rate_limit = { reads = { limit = 100 } } }, 0.001)
    assert.is_true(calls_within(self, 3600) <= 7)
  end)

  it("renews the lease while it waits", function()
    local self, count = pace.new({ rate_limit = { reads = { limit = 1 } } }, 0.5), 0
    self:charge(1)
    self:wait(nil, function() count = count + 1 end)
    assert.is_true(count >= 20)
  end)
end)

describe("a pass of a reconciliation", function()
  after_each(running.stop)

  it("makes no more calls than its share, and leaves the others to the application", function()
    reconciling.start()
    local api = running.emulator { rate_limits = { reads = 100, writes = 40 } }
    reconciling.api, reconciling.client = api, apivideo.client { api_key = "key", base_url = api.url, retries = 0 }
    for i = 1, 50 do reconciling.put_video("vi" .. i) end
    local cancel, pass = apivideo.cancellation(), runtime.latch()
    local reconciliation = reconciling.new()
    apivideo.spawn(function() pass:open(reconciliation:once { cancel = cancel }) end)
    local ends = runtime.monotonic() + 1
    while runtime.monotonic() < ends do runtime.sleep(0.01) end
    local count = #api.requests
    cancel:cancel()
    local summary, err = pass:wait()
    assert.is_nil(summary)
    assert.equal("cancelled", err.kind)
    -- A fifth of 100, three calls that were in flight, and those of a second.
    assert.is_true(count >= 10 and count <= 24, tostring(count))
  end)
end)
