--- Conformance of a store: entries that are handled again after they were done.

local assert = require "luassert"
local busted = require "busted"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

local PAGE = { limit = 1000 }

---@param test spec.StoreTest
return function(test)
  local WINDOW, raws_of, put, claim, count = test.WINDOW, test.raws_of, test.put, test.claim, test.count
  local store

  before_each(function() store = test.store() end)

  -- Puts an entry and completes it.
  local function handle(fields, retains)
    put(fields)
    local entry = claim()
    assert.is_true(store:complete(entry.id, entry.token, nil, WINDOW, "past", retains))
    return entry
  end

  describe("replay", function()
    it("queues an entry with its bytes and its key, as often as it is done", function()
      local first = handle({ key = "a", raw = "a", type = "video.a", occurrence = "o", opposite = "p" }, true)
      assert.is_nil(first.replay)
      for _ = 1, 2 do
        assert.equal(1, store:replay({}, PAGE))
        assert.equal(0, store:replay({}, PAGE))
        assert.is_false(put { key = "a" })
        assert.equal("occurrence", put { key = "a2", occurrence = "o", opposite = "p" })
        assert.is_true(assert(store:list({ state = "waiting" }, PAGE))[1].replay)
        local entry = claim()
        assert.equal(first.id, entry.id)
        assert.equal("a", entry.raw)
        assert.equal(1, entry.attempt)
        assert.equal("past", entry.attempts)
        assert.is_true(entry.replay)
        assert.is_false(store:complete(first.id, first.token))
        assert.is_true(store:complete(entry.id, entry.token, nil, WINDOW, nil, true))
        assert.equal(1, count "done")
        assert.equal("a", assert(store:list({ state = "done" }, PAGE))[1].raw)
      end
    end)

    it("leaves out entries without their bytes, in other states, or that do not match", function()
      handle({ key = "a", raw = "a", type = "video.a" }, false)
      handle({ key = "b", raw = "b", type = "video.b" }, true)
      put { key = "c" }
      local dead = claim()
      assert.is_true(store:dead_letter(dead.id, dead.token, "x"))
      put { key = "d" }
      assert.equal(0, store:replay({ type = "video.a" }, PAGE))
      assert.equal(1, store:count({ state = "done", has_raw = true }, {}))
      assert.equal(1, store:replay({}, PAGE))
      assert.same({ done = 1, dead = 1, waiting = 2 },
        { done = count "done", dead = count "dead", waiting = count "waiting" })
      assert.equal("b", claim().raw)
    end)

    it("respects lanes, and an entry that fails becomes a dead letter, which is redriven", function()
      handle({ key = "a", raw = "a", lane = "l" }, true)
      put { key = "b", raw = "b", lane = "l" }
      local other = claim()
      assert.equal(1, store:replay({}, PAGE))
      assert.is_nil(claim())
      assert.is_true(store:complete(other.id, other.token))
      local entry = claim()
      assert.equal("a", entry.raw)
      assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
      assert.equal(1, store:redrive({}, PAGE))
      assert.same({ "a" }, raws_of(store:claim(10, 60)))
    end)

    it("does not prevent that an entry expires or is purged, when it is done again", function()
      handle({ key = "a" }, true)
      handle({ key = "b" }, true)
      assert.equal(2, store:replay({}, PAGE))
      assert.equal(0, store:expire(0))
      for _, entry in ipairs(store:claim(2, 60)) do
        assert.is_true(store:complete(entry.id, entry.token, nil, WINDOW, nil, true))
      end
      assert.equal(1, store:purge({ state = "done" }, { limit = 1 }))
      assert.equal(1, store:expire(0))
      assert.is_true(put { key = "a" })
      assert.is_true(put { key = "b" })
    end)
  end)
end
