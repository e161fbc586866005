-- The store in Redis on a real cluster of three nodes.

local redis = require "apivideo.inbox.redis"
local redis_cluster = require "spec.support.redis_cluster"
local redis_server = require "spec.support.redis"
local script_runner = require "apivideo.inbox.redis.script_runner"
local wait_for = require "spec.support.wait"

local missing = redis_server.missing()

describe("inbox store redis on a cluster #process", function()
  if missing then return pending(missing) end

  local cluster, owner, other

  setup(function()
    cluster = redis_cluster.start()
    owner, other = cluster:nodes_of "{apivideo}:meta"
  end)

  teardown(function() cluster:stop() end)

  local function item(key) return { key = key, raw = key, verified = true, received_at = 1, lane = "a" } end

  it("has all keys in one slot", function()
    local runner, slots = script_runner.new({ name = "shop" }, ""), {}
    for _, key in ipairs(runner.keys) do slots[other:command("CLUSTER", "KEYSLOT", key)] = true end
    local slot = next(slots)
    assert.truthy(tonumber(slot))
    assert.is_nil(next(slots, slot))
  end)

  it("finds the node that has the keys from any node", function()
    for _, node in ipairs(cluster.nodes) do
      local store = redis { port = node.port }
      local key = "key" .. node.port
      assert.same({ true }, assert(store:put({ item(key) }, 20)))
      local entry = assert(store:claim(1, 60))[1]
      assert.equal(key, entry.raw)
      assert.is_true(store:retry(entry.id, entry.token, 0, "x"))
      entry = wait_for(function() return assert(store:claim(1, 60))[1] end, "the entry")
      assert.is_true(store:complete(entry.id, entry.token))
      store:close()
    end
    assert.equal("0", other:command("DBSIZE"))
  end)

  it("asks the other node once only, for as long as that does not change", function()
    local store = redis { port = other.port }
    assert(store:stats())
    local before = other:command("INFO", "commandstats"):match "cmdstat_evalsha:calls=(%d+)"
    for _ = 1, 10 do assert(store:stats()) end
    assert.equal(before, other:command("INFO", "commandstats"):match "cmdstat_evalsha:calls=(%d+)")
    store:close()
  end)

  it("follows its keys to another node", function()
    local store = redis { port = owner.port }
    assert(store:put({ item "moved" }, 20))
    redis_cluster.migrate("{apivideo}:meta", owner, other)
    -- During the move, no node can run the scripts.
    local stats, err = store:stats()
    assert.is_nil(stats)
    assert.equal("store_unavailable", err.kind)
    cluster:assign("{apivideo}:meta", other)
    assert.equal("moved", assert(store:claim(1, 60))[1].raw)
    store:close()
  end)

  it("is unavailable while the node with its keys is", function()
    local holder, another = cluster:nodes_of "{apivideo}:meta"
    local store = redis { port = another.port }
    assert(store:stats())
    holder:crash()
    local stats, err = store:stats()
    assert.is_nil(stats)
    assert.equal("store_unavailable", err.kind)
    holder:start()
    wait_for(function() return store:stats() end, "the cluster")
    store:close()
  end)
end)
