-- A Redis server that loses the data of an inbox, as its processes notice it.

local apivideo = require "apivideo"
local data_watch = require "apivideo.inbox.redis.data_watch"
local inboxes = require "spec.support.inboxes"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"
local redis_stores = require "spec.support.redis_stores"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local open, put, claim = redis_stores.open, redis_stores.put, redis_stores.claim

local ALL, LAST = "error apivideo: Redis .* has lost all events and pauses of the inbox: .* Redis's own log,"
  .. " .* apivideo reconcile",
  "error apivideo: Redis .* has lost the last events of the inbox %((%d+) at least%)"

redis_stores.describe("inbox store redis", function()
  local server
  local interval = data_watch.CHECK_INTERVAL_S

  setup(function() server = redis_stores.server() end)
  before_each(function() data_watch.CHECK_INTERVAL_S = 0 end)
  after_each(function() data_watch.CHECK_INTERVAL_S = interval end)

  it("logs once in each process that its server was emptied", function()
    local receiver, worker = open(), open()
    put(receiver, "a")
    claim(worker)
    server:command "FLUSHALL"
    local written = stderr.of(function()
      for i = 1, 3 do put(receiver, "after" .. i) end
    end)
    assert.equal(1, #written)
    assert.matches(ALL, written[1])
    -- The new events have higher ids than the old one, and the worker has seen nothing of the time between.
    written = stderr.of(function()
      for _ = 1, 3 do claim(worker) end
    end)
    assert.equal(1, #written)
    assert.matches(ALL, written[1])
  end)

  it("logs nothing when an inbox is created, by an earlier version too, or while it is used", function()
    local written = stderr.of(function()
      local one, other = open(), open()
      assert(one:stats())
      assert.is_nil(claim(other))
      put(one, "a")
      assert.is_true(other:complete(1, claim(other).token))
      assert.equal(1, one:expire(0))
      put(other, "b")
      assert(one:stats())
      server:crash()
      server:start()
      wait_for(function() return (one:stats()) end, "the server")
      assert(other:stats())
    end)
    assert.same({}, written)
  end)

  it("logs nothing about an inbox of an earlier version", function()
    put(open(), "a")
    server:command("HDEL", "{apivideo}:meta", "born")
    local written = stderr.of(function()
      local one, other = open(), open()
      assert(one:stats())
      put(other, "b")
      assert(one:stats())
      put(one, "c")
    end)
    assert.same({}, written)
    assert.matches("%d+%.%d+", server:command("HGET", "{apivideo}:meta", "born"))
  end)

  it("checks only now and then, and after each failure", function()
    data_watch.CHECK_INTERVAL_S = 3600
    local store = open()
    put(store, "a")
    server:command "FLUSHALL"
    assert.same({}, stderr.of(function() put(store, "b") end))
    server:pause()
    assert.is_nil((store:stats()))
    server:resume()
    local written = stderr.of(function() wait_for(function() return (store:stats()) end, "the server") end)
    assert.equal(1, #written)
    assert.matches(ALL, written[1])
  end)

  it("logs that a server came back with older data, or without any", function()
    data_watch.CHECK_INTERVAL_S = interval
    local volatile = redis_server.start "--appendonly no"
    local store = redis { port = volatile.port }
    local function lines_of_restart(before)
      volatile:crash()
      before()
      volatile:start()
      return stderr.of(function() wait_for(function() return (store:stats()) end, "the server") end)
    end
    stderr.of(function() put(store, "a") end) -- warns of the settings
    assert.equal("OK", volatile:command "SAVE")
    for i = 1, 3 do put(store, "lost" .. i) end
    store.runner.data_watch:expect_restart()
    assert(store:stats())
    local written = lines_of_restart(function() end)
    assert.equal(1, #written)
    assert.equal("3", written[1]:match(LAST))
    written = lines_of_restart(function() os.remove(volatile.directory .. "/dump.rdb") end)
    assert.equal(1, #written)
    assert.matches(ALL, written[1])
    store:close()
    volatile:stop()
  end)

  it("does not say of an event that is gone that it will be handled again", function()
    local inbox, cancel, settlement = apivideo.inbox { store = open() }, apivideo.cancellation(), nil
    local receiver = apivideo.receiver { inbox = inbox, secrets = inboxes.SECRET }
    local handlers = apivideo.handlers():on("video.*", function(event)
      if event.captionId ~= "lost" then return end
      server:command "FLUSHALL"
      assert.equal(204, (inboxes.deliver(receiver, inboxes.caption "new"))) -- it has the id of the lost one
    end)
    local printed = inboxes.printed_by(function()
      assert.equal(204, (inboxes.deliver(receiver, inboxes.caption "lost")))
      apivideo.run(function()
        inbox:work(handlers, { cancel = cancel, on_settled = function(result)
          settlement = settlement or result
          cancel:cancel()
        end })
      end)
    end)
    assert.equal("lost", settlement.disposition)
    assert.is_true(settlement.is_gone)
    assert.matches("is gone from the store", printed)
    assert.is_nil(printed:find("will be handled again", 1, true), printed)
    assert.matches(ALL, printed)
  end)
end)
