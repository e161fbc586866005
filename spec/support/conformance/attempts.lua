--- Conformance of a store: the past attempts of an entry, a text that the store keeps.

local assert = require "luassert"
local busted = require "busted"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, another, put = test.WINDOW, test.item, test.another, test.put
  local claim, claim_soon = test.claim, test.claim_soon
  local store

  before_each(function() store = test.store() end)

  local function stored(id, is_detailed)
    return assert(another():list({ id = id }, { limit = 1, detailed = is_detailed }))[1].attempts
  end

  describe("past attempts", function()
    it("are those of the last call that had them, in claims and detailed lists", function()
      put {}
      local entry = claim()
      assert.is_nil(entry.attempts)
      assert.is_nil(stored(entry.id, true))
      assert.is_true(store:retry(entry.id, entry.token, 0, "x", "one"))
      entry = claim_soon()
      assert.equal("one", entry.attempts)
      assert.is_true(store:retry(entry.id, entry.token, 0, "x"))
      entry = claim_soon()
      assert.equal("one", entry.attempts)
      local long = ("\1é\n'"):rep(10000)
      assert.is_true(store:dead_letter(entry.id, entry.token, "x", long))
      assert.equal(long, stored(entry.id, true))
      assert.is_nil(stored(entry.id))
      assert.equal(1, store:redrive({}, { limit = 1 }))
      entry = claim()
      assert.equal(long, entry.attempts)
      assert.is_true(store:complete(entry.id, entry.token, nil, WINDOW, "three"))
      assert.equal("three", stored(entry.id, true))
    end)

    it("are not changed by a lost claim", function()
      put {}
      local entry = claim()
      assert.is_false(store:retry(entry.id, entry.token + 1, 0, "x", "lost"))
      assert.is_false(store:dead_letter(entry.id, entry.token + 1, "x", "lost"))
      assert.is_false(store:complete(entry.id, entry.token + 1, nil, WINDOW, "lost"))
      assert.is_nil(stored(entry.id, true))
    end)

    it("are stored with the items that complete an entry, and with several claims", function()
      put { key = "a" }
      put { key = "b" }
      local first, second = claim(), claim()
      assert.is_true(store:complete(first.id, first.token, { item { key = "c" } }, WINDOW, "one"))
      assert.equal("one", stored(first.id, true))
      if not store.complete_all then return end
      second.attempts = "two"
      assert.same({ true }, store:complete_all({ second }, WINDOW))
      assert.equal("two", stored(second.id, true))
    end)
  end)
end
