-- A reconciliation that makes passes until it is cancelled; several with one store take turns.

local apivideo = require "apivideo"
local misuse = require "spec.support.misuse"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local sqlite = require "apivideo.inbox.sqlite"
local stderr = require "spec.support.stderr"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

describe("reconciliation:run", function()
  local cancel

  before_each(function()
    reconciling.start()
    cancel = apivideo.cancellation()
  end)
  after_each(function()
    cancel:cancel()
    running.stop()
  end)

  -- Runs a reconciliation in a task. Returns a latch that opens at its end.
  local function run(reconciliation)
    local ended = runtime.latch()
    apivideo.spawn(function() ended:open(reconciliation:run { cancel = cancel }) end)
    return ended
  end

  local function passes() return reconciling.requests "GET /videos$" end

  it("makes a pass at once, and then every `every` seconds", function()
    local lines = stderr.of(function()
      local ended = run(reconciling.new { every = 0.05 })
      reconciling.put_video "vi1"
      wait_for(function() return #reconciling.found() == 5 end, "the events of vi1")
      reconciling.put_video "vi2"
      wait_for(function() return #reconciling.found() == 10 end, "the events of vi2")
      cancel:cancel()
      assert.is_true((ended:wait(10)))
    end)
    assert.matches("events that had not come, and were put into the inbox: 5", table.concat(lines))
  end)

  it("continues after a failure, which it logs", function()
    reconciling.api:fault { on = "GET /videos", status = 500, times = 2 }
    reconciling.put_video "vi1"
    local lines = stderr.of(function()
      run(reconciling.new { every = 0.05 })
      wait_for(function() return #reconciling.found() == 5 end, "the events of vi1")
    end)
    assert.matches(" warn apivideo: reconcile: the pass failed, and is continued later: .*500", table.concat(lines))
  end)

  it("ends a pass when it is cancelled", function()
    reconciling.api:fault { on = "GET /videos", latency = 60 }
    local ended = run(reconciling.new())
    wait_for(function() return passes() == 1 end, "a pass")
    cancel:cancel()
    assert.is_true((ended:wait(10)))
  end)

  it("takes turns with others that have the same store", function()
    local path = os.tmpname()
    local stores = { sqlite { path = path }, sqlite { path = path } }
    finally(function()
      cancel:cancel()
      for _, store in ipairs(stores) do store:close() end
      for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
    end)
    local ended = {}
    for i, store in ipairs(stores) do
      reconciling.over(store)
      ended[i] = run(reconciling.new { every = 2 })
    end
    local from = runtime.monotonic()
    wait_for(function() return passes() == 3 end, "three passes")
    assert.is_true(runtime.monotonic() - from >= 3.8)
    cancel:cancel()
    for _, latch in ipairs(ended) do latch:wait(10) end
  end)

  it("makes no two passes at the same time", function()
    reconciling.api:fault { on = "GET /videos", latency = 60 }
    local first = runtime.latch()
    apivideo.spawn(function() first:open(reconciling.new():once { cancel = cancel }) end)
    wait_for(function() return passes() == 1 end, "a pass")
    local summary, err = reconciling.new():once()
    assert.is_nil(summary)
    assert.equal("in_progress", err.kind)
    assert.equal("reconcile", err.origin)
    assert.is_true(err.retry_after > 60)
    cancel:cancel()
    first:wait(10)
    assert.is_table((reconciling.new():once()))
  end)
end)

describe("the options of a reconciliation", function()
  before_each(reconciling.start)
  after_each(running.stop)

  it("must be valid", function()
    for options, message in pairs {
      [{ client = "x" }] = 'reconcile: option "client" must be a table, got string',
      [{ client = {} }] = 'reconcile: option "client" must be a client, from apivideo.client',
      [{ inbox = {} }] = 'reconcile: option "inbox" must come from apivideo.inbox',
      [{ lookback = 30 * 86400 }] = 'reconcile: option "lookback" %(2592000 s%) must be less',
      [{ lookback = 7 * 86400 }] = 'reconcile: option "lookback" %(604800 s%) must be less than the option "retention"',
      [{ budget = 1.5 }] = 'reconcile: option "budget" must be',
      [{ every = 0 }] = 'reconcile: option "every" must be',
    } do
      local settings = tables.merge({ client = reconciling.client, inbox = reconciling.inbox }, options)
      assert.matches(message, misuse(function() local _ = apivideo.reconcile(settings) end))
    end
  end)

  it("of a pass must be valid", function()
    local reconciliation = reconciling.new()
    assert.matches('reconciliation:once: option "since" must be less than the option "retention"',
      misuse(function() local _ = reconciliation:once { since = 7 * 86400 } end))
    assert.matches('reconciliation:once: option "cancel" must come from apivideo.cancellation',
      misuse(function() local _ = reconciliation:once { cancel = {} } end))
    assert.matches('reconciliation:run: unknown option "since"',
      misuse(function() local _ = reconciliation:run { since = 1 } end))
    assert.matches("call it with a colon", misuse(function() local _ = reconciliation.once {} end))
  end)

  it("have a store with states", function()
    reconciling.over(setmetatable({ acquire = false }, { __index = reconciling.store }))
    local settings = { client = reconciling.client, inbox = reconciling.inbox }
    assert.matches("the inbox's store lacks acquire and save",
      misuse(function() local _ = apivideo.reconcile(settings) end))
  end)
end)
