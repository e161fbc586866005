--- Conformance of a store: the order within a lane.

local assert = require "luassert"
local busted = require "busted"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, raws_of, put, claim = test.WINDOW, test.item, test.raws_of, test.put, test.claim
  local claim_soon = test.claim_soon
  local store

  before_each(function() store = test.store() end)

  describe("a lane", function()
    local function next_of(lane_claim, act, ...)
      assert.is_true(store[act](store, lane_claim.id, lane_claim.token, ...))
      return claim()
    end

    it("has one event claimed at a time, in order of receipt", function()
      put { key = "a1", raw = "a1", lane = "a" }
      put { key = "a2", raw = "a2", lane = "a" }
      put { key = "b1", raw = "b1", lane = "b" }
      put { key = "a3", raw = "a3", lane = "a" }
      put { key = "n", raw = "n" }
      local a = claim()
      assert.equal("a1", a.raw)
      assert.same({ "b1", "n" }, raws_of(store:claim(10, 60)))
      local second = next_of(a, "complete")
      assert.equal("a2", second.raw)
      assert.is_nil(claim())
      assert.equal("a3", next_of(second, "dead_letter", "x").raw)
    end)

    it("waits while its first event is delayed", function()
      put { key = "a1", raw = "a1", lane = "a" }
      put { key = "a2", raw = "a2", lane = "a" }
      local first = claim()
      assert.is_nil(next_of(first, "retry", 1, "x"))
      first = claim_soon()
      assert.equal("a1", first.raw)
      assert.equal("a2", next_of(first, "complete").raw)
    end)

    it("continues with the next event after it was empty", function()
      put { key = "a1", raw = "a1", lane = "a" }
      assert.is_nil(next_of(claim(), "complete"))
      put { key = "a2", raw = "a2", lane = "a" }
      assert.equal("a2", claim().raw)
    end)

    it("has one event claimed after a dead letter was redriven", function()
      put { key = "a1", raw = "a1", lane = "a" }
      put { key = "a2", raw = "a2", lane = "a" }
      put { key = "a3", raw = "a3", lane = "a" }
      local second = next_of(claim(), "dead_letter", "x")
      assert.equal("a2", second.raw)
      assert.equal(1, store:redrive({}, { limit = 1000 }))
      assert.is_nil(claim())
      local again = next_of(second, "complete")
      assert.equal("a1", again.raw)
      assert.equal("a3", next_of(again, "complete").raw)
    end)

    it("can be any string", function()
      put { key = "a1", raw = "a1", lane = "a\0b" }
      put { key = "a2", raw = "a2", lane = "a\0c" }
      put { key = "a3", raw = "a3", lane = "" }
      assert.same({ "a1", "a2", "a3" }, raws_of(store:claim(10, 60)))
    end)

    it("lets a batch of claims have one event of each lane", function()
      local items = {}
      for i = 1, 60 do items[i] = item { key = tostring(i), raw = ("%d"):format(i % 3), lane = tostring(i % 3) } end
      assert(store:put(items, WINDOW))
      local raws = raws_of(store:claim(10, 60))
      table.sort(raws)
      assert.same({ "0", "1", "2" }, raws)
    end)
  end)
end
