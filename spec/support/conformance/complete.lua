--- Conformance of a store: what completes an event and puts others in the same step.

local assert = require "luassert"
local busted = require "busted"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, raws_of, another = test.WINDOW, test.item, test.raws_of, test.another
  local put, claim, count = test.put, test.claim, test.count
  local store

  before_each(function() store = test.store() end)

  describe("complete with items", function()
    it("puts them in the same step", function()
      put { key = "cause" }
      local entry = claim()
      assert.is_true(store:complete(entry.id, entry.token, {
        item { key = "a", raw = "a", origin = "derived" }, item { key = "b", raw = "b", webhook_id = "w" } }, WINDOW))
      assert.equal(1, count "done")
      local entries = assert(another():claim(10, 60))
      assert.same({ "a", "b" }, raws_of(entries))
      assert.equal("derived", entries[1].origin)
      assert.equal("w", entries[2].webhook_id)
      assert.is_false(put { key = "a" })
    end)

    it("puts nothing if the claim is lost", function()
      put { key = "cause" }
      local entry = claim()
      assert.is_false(store:complete(entry.id, entry.token + 1, { item { key = "a" } }, WINDOW))
      assert.is_true(store:complete(entry.id, entry.token, {}, WINDOW))
      assert.is_false(store:complete(entry.id, entry.token, { item { key = "b" } }, WINDOW))
      assert.equal(0, count "waiting")
    end)

    it("recognises their duplicates, and repetitions of an occurrence", function()
      for i = 1, 2 do put { key = "cause" .. i } end
      put { key = "b", occurrence = "b" }
      local first, second = claim(), claim()
      local items = { item { key = "a" }, item { key = "a" }, item { key = "b2", occurrence = "b" } }
      assert.is_true(store:complete(first.id, first.token, items, WINDOW))
      assert.is_true(store:complete(second.id, second.token, items, WINDOW))
      assert.equal(2, count "waiting")
    end)

    it("queues them in their lane, behind the events that wait there", function()
      put { key = "cause", lane = "l" }
      put { key = "next", raw = "next", lane = "l" }
      local entry = claim()
      assert.is_true(store:complete(entry.id, entry.token, { item { key = "a", raw = "a", lane = "l" } }, WINDOW))
      entry = claim()
      assert.equal("next", entry.raw)
      assert.is_nil(claim())
      assert.is_true(store:complete(entry.id, entry.token, { item { key = "b", raw = "b", lane = "l" } }, WINDOW))
      entry = claim()
      assert.equal("a", entry.raw)
      assert.is_true(store:complete(entry.id, entry.token))
      assert.equal("b", claim().raw)
    end)

    it("completes several claims, each with its items", function()
      if not store.complete_all then return end
      for i = 1, 3 do put { key = "cause" .. i } end
      local claims = assert(store:claim(3, 60))
      claims[1].items = { item { key = "a", raw = "a" } }
      claims[2].items, claims[2].token = { item { key = "b", raw = "b" } }, claims[2].token + 1
      claims[3].items = { item { key = "a" }, item { key = "c", raw = "c" } }
      assert.same({ true, false, true }, store:complete_all(claims, WINDOW))
      assert.same({ "a", "c" }, raws_of(store:list({ state = "waiting" }, { limit = 10 })))
    end)
  end)
end
