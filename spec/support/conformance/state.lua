--- Conformance of a store: named states, which one process at a time leases.

local assert = require "luassert"
local busted = require "busted"
local wait_for = require "spec.support.wait"

local DAY = 86400

local describe, it, before_each = busted.describe, busted.it, busted.before_each

---@param test spec.StoreTest
return function(test)
  local after = test.after
  local store

  before_each(function() store = test.store() end)

  -- Leases the state "x" as soon as that is possible.
  local function acquire_soon(from, rest)
    return wait_for(function() return (from:acquire("x", 60, rest or 0)) end, "a lease")
  end

  describe("acquire", function()
    it("leases a new state, which has no value", function()
      local lease = assert(store:acquire("x", 60, 0))
      assert.equal("number", type(lease.token))
      assert.is_nil(lease.value)
    end)

    it("is rejected while another lease is valid, and returns for how long", function()
      store:acquire("x", 60, 0)
      local leased, seconds = test.another():acquire("x", 60, 0)
      assert.is_false(leased)
      assert.is_true(seconds > 30 and seconds <= 60)
    end)

    it("leases states of other names at the same time", function()
      store:acquire("x", 60, 0)
      assert.is_truthy(store:acquire("y", 60, 0))
    end)

    it("succeeds after the lease has expired, with another token", function()
      local first = store:acquire("x", 0.05, 0)
      local second = acquire_soon(test.another())
      assert.not_equal(first.token, second.token)
    end)

    it("is rejected for the rest after a save", function()
      local lease = store:acquire("x", 60, 0)
      store:save("x", lease.token, "{}", 0)
      local leased, seconds = test.another():acquire("x", 60, 100)
      assert.is_false(leased)
      assert.is_true(seconds > 70 and seconds <= 100)
      assert.is_truthy(store:acquire("x", 60, 0))
    end)

    it("removes the states that were not saved for 30 days, when it creates another one", function()
      local old, leased = store:acquire("old", 60, 0), store:acquire("leased", 60, 0)
      assert.is_true(store:save("old", old.token, "old", 0))
      assert.is_true(store:save("leased", leased.token, "leased", 40 * DAY))
      after(20 * DAY, function()
        local new = store:acquire("new", 60, 0)
        assert.is_true(store:save("new", new.token, "new", 0))
        assert.equal("old", store:acquire("old", 60, 0).value)
      end)
      after(31 * DAY, function()
        store:acquire("another", 60, 0)
        assert.is_nil(store:acquire("old", 60, 0).value)
        assert.equal("new", store:acquire("new", 60, 0).value)
        assert.is_true(store:save("leased", leased.token, "leased", 0))
      end)
    end)
  end)

  describe("save", function()
    it("stores a value for the next lease", function()
      local lease = store:acquire("x", 60, 0)
      local value = '{"cursor":1700000000.25,"text":"é \\u0000 \\n"}'
      assert.is_true(store:save("x", lease.token, value, 0))
      assert.equal(value, test.another():acquire("x", 60, 0).value)
    end)

    it("stores a value of a megabyte", function()
      local lease, value = store:acquire("x", 60, 0), ("x"):rep(1000000)
      assert.is_true(store:save("x", lease.token, value, 0))
      assert.is_true(value == store:acquire("x", 60, 0).value)
    end)

    it("renews the lease", function()
      local lease = store:acquire("x", 0.05, 0)
      assert.is_true(store:save("x", lease.token, "{}", 60))
      assert.is_false((test.another():acquire("x", 60, 0)))
    end)

    it("keeps the value of a lease that ends without a save", function()
      local lease = store:acquire("x", 60, 0)
      store:save("x", lease.token, "one", 0)
      store:acquire("x", 0.05, 0)
      assert.equal("one", acquire_soon(store).value)
    end)

    it("is rejected after the state was leased again", function()
      local first = store:acquire("x", 0.05, 0)
      local second = acquire_soon(test.another())
      assert.is_false(store:save("x", first.token, "old", 0))
      assert.is_true(store:save("x", second.token, "new", 0))
      assert.equal("new", store:acquire("x", 60, 0).value)
    end)

    it("is rejected for a state that was never leased", function()
      assert.is_false(store:save("x", 1, "{}", 0))
    end)

    it("does not change the events", function()
      test.put {}
      local lease = store:acquire("x", 60, 0)
      store:save("x", lease.token, "{}", 0)
      assert.equal(1, test.count "waiting")
    end)
  end)
end
