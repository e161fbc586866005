-- The store in Redis when the server's clock is set.

local redis_stores = require "spec.support.redis_stores"
local runtime = require "apivideo.runtime"

local open, put, claim, claim_soon = redis_stores.open, redis_stores.put, redis_stores.claim, redis_stores.claim_soon

local server

redis_stores.describe("inbox store redis", function()
  setup(function() server = redis_stores.server() end)

  -- A field of the store's key "meta".
  local function set(name, value)
    server:command("HSET", "{apivideo}:meta", name, value)
  end

  describe("time", function()
    local HOUR = 3600

    -- Sets the store's clock as if the server's clock had been ahead by an hour until now.
    local function set_back()
      set("clock", ("%.0f"):format((runtime.now() + HOUR) * 1000))
    end

    it("continues if the clock is set back: leases expire in time", function()
      local store = open()
      put(store, "a")
      set_back()
      local first = claim(store, 5)
      assert.is_nil(claim(store))
      assert.is_true(store:extend(first.id, first.token, 1))
      assert.is_nil(claim(store))
      local second = claim_soon(store)
      assert.equal(first.id, second.id)
      assert.is_false(store:complete(first.id, first.token))
      assert.is_true(store:complete(second.id, second.token))
      put(store, "b")
      local over = claim(store, 0)
      assert.is_false(store:extend(over.id, over.token, 60))
      assert.is_false(store:complete(over.id, over.token))
    end)

    it("continues if the clock is set back: delays end in time, ages are unchanged", function()
      local store = open()
      set_back()
      put(store, "a", { occurrence = "o" })
      assert.equal("occurrence", put(store, "b", { occurrence = "o" }))
      local entry = claim(store)
      assert.is_true(store:retry(entry.id, entry.token, 0.1, "x"))
      entry = claim_soon(store)
      assert.is_true(store:complete(entry.id, entry.token))
      assert.equal(0, store:expire(60))
      assert.equal(1, store:expire(0))
    end)

    it("leaves claims valid if the clock is set back", function()
      local store = open()
      put(store, "a")
      local entry = claim(store, 2 * HOUR)
      set_back()
      assert.is_nil(claim(store))
      assert.is_true(store:complete(entry.id, entry.token))
    end)

    it("is the server's clock again when that has caught up", function()
      local store = open()
      put(store, "a")
      set_back()
      local held = claim(store, 60)
      assert.not_equal("0", server:command("HGET", "{apivideo}:meta", "offset"))
      set("clock", 1)
      assert.is_nil(claim(store))
      assert.equal("0", server:command("HGET", "{apivideo}:meta", "offset"))
      assert.is_true(store:complete(held.id, held.token))
    end)
  end)
end)
