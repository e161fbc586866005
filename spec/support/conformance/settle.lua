--- Conformance of a store: claims, and how they end.

local assert = require "luassert"
local busted = require "busted"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

local unpack = table.unpack or unpack

---@param test spec.StoreTest
return function(test)
  local raws_of, another, put, claim, claim_soon = test.raws_of, test.another, test.put, test.claim, test.claim_soon
  local count = test.count
  local store

  before_each(function() store = test.store() end)

  describe("claim", function()
    it("returns each entry once, oldest first", function()
      for i = 1, 5 do put { key = tostring(i), raw = tostring(i) } end
      local other = another()
      assert.same({ "1", "2" }, raws_of(store:claim(2, 60)))
      assert.same({ "3" }, raws_of(other:claim(1, 60)))
      assert.same({ "4", "5" }, raws_of(store:claim(10, 60)))
      assert.same({}, other:claim(10, 60))
      assert.equal(5, count "claimed")
    end)

    it("returns an entry again after its lease has expired, and counts the attempt", function()
      put {}
      local first = claim(0.05)
      local second = claim_soon()
      assert.equal(first.id, second.id)
      assert.equal(2, second.attempt)
      assert.not_equal(first.token, second.token)
    end)

    it("is lost when its lease expires, and cannot settle the event any more", function()
      put {}
      local first = claim(0.05)
      local second = claim_soon()
      for _, lost in ipairs { first, { id = first.id, token = 99 }, { id = first.id + 100, token = 1 } } do
        assert.is_false(store:extend(lost.id, lost.token, 60))
        assert.is_false(store:complete(lost.id, lost.token))
        assert.is_false(store:retry(lost.id, lost.token, 0, "x"))
        assert.is_false(store:dead_letter(lost.id, lost.token, "x"))
      end
      assert.is_true(store:complete(second.id, second.token))
      assert.is_false(store:complete(second.id, second.token))
      assert.is_nil(claim())
    end)

    it("is lost when its lease expires even if no other worker has claimed the event", function()
      put {}
      local entry = claim(0.03)
      wait_for(function() return count "waiting" == 1 end, "the lease's end")
      assert.is_false(store:extend(entry.id, entry.token, 60))
      assert.is_false(store:complete(entry.id, entry.token))
      assert.equal(2, claim().attempt)
    end)

    it("is renewed by extend", function()
      put {}
      local entry = claim(1)
      for _ = 1, 2 do assert.is_true(store:extend(entry.id, entry.token, 60)) end
      runtime.sleep(1.1)
      assert.is_nil(claim())
      assert.is_true(store:complete(entry.id, entry.token))
    end)
  end)

  describe("remove", function()
    it("completes a claimed entry and removes it with its key", function()
      put { key = "a", raw = "a", occurrence = "a", lane = "l" }
      put { key = "b", raw = "b", lane = "l" }
      local entry = claim()
      assert.is_false(store:remove(entry.id, entry.token + 1))
      assert.is_false(store:remove(entry.id + 100, 1))
      assert.is_true(store:remove(entry.id, entry.token))
      assert.is_false(store:remove(entry.id, entry.token))
      for _, state in ipairs { "claimed", "dead", "done" } do assert.equal(0, count(state)) end
      assert.is_true(put { key = "a", raw = "again", occurrence = "a" })
      local next_of_lane, again = unpack(assert(store:claim(10, 60)))
      assert.equal("b", next_of_lane.raw)
      assert.equal("again", again.raw)
      assert.is_true(again.id > next_of_lane.id)
    end)

    it("removes an entry that had failed before", function()
      put {}
      local entry = claim()
      assert.is_true(store:retry(entry.id, entry.token, 0, "x"))
      entry = claim_soon()
      assert.is_true(store:remove(entry.id, entry.token))
      assert.same({ waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = false }, store:stats())
    end)
  end)

  describe("retry", function()
    it("delays an entry", function()
      put { key = "a", raw = "a" }
      put { key = "b", raw = "b" }
      local entry = claim()
      assert.is_true(store:retry(entry.id, entry.token, 2, "first\nfailure"))
      local waiting = assert(store:list({ state = "waiting" }, { limit = 10 }))
      assert.equal("first\nfailure", waiting[1].error)
      assert.equal(1, waiting[1].attempt)
      assert.equal("b", claim().raw)
      local again = claim_soon()
      assert.equal("a", again.raw)
      assert.equal(2, again.attempt)
      assert.is_false(store:complete(entry.id, entry.token))
      assert.is_true(store:complete(again.id, again.token))
    end)

    it("orders an entry before younger ones after its delay", function()
      put { key = "a", raw = "a" }
      local entry = claim()
      put { key = "b", raw = "b" }
      assert.is_true(store:retry(entry.id, entry.token, 0, "x"))
      assert.equal("a", claim_soon().raw)
    end)
  end)

  describe("a claim whose lease has expired", function()
    it("is listed and counted as waiting, in its order, before any process claims again", function()
      for i = 1, 3 do put { key = tostring(i), raw = tostring(i) } end
      claim(60)
      claim(0.05) -- the last one: this lease may end at once
      wait_for(function() return count "waiting" == 2 end, "the lease's end")
      assert.same({ "2", "3" }, raws_of(store:list({ state = "waiting" }, { limit = 10 })))
      assert.same({ "2" }, raws_of(store:list({ state = "waiting" }, { limit = 1 })))
      assert.same({ "1" }, raws_of(store:list({ state = "claimed" }, { limit = 1 })))
      local stats = assert(store:stats())
      assert.equal(2, stats.waiting)
      assert.equal(1, stats.claimed)
      assert.equal(1, stats.attempts)
    end)
  end)
end
