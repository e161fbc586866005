--- Conformance of a store: put, duplicates, and the window of an occurrence.

local apivideo = require "apivideo"
local assert = require "luassert"
local busted = require "busted"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, raws_of, another, put = test.WINDOW, test.item, test.raws_of, test.another, test.put
  local claim, claim_soon, count = test.claim, test.claim_soon, test.count
  local store

  before_each(function() store = test.store() end)

  describe("put", function()
    it("stores all fields, in the order of receipt", function()
      assert.same({ true, true, true }, store:put({
        item { key = "a", raw = "1", webhook_id = "webhook_x", verified = false, received_at = 1700000000.125 },
        item { key = "b", raw = '{"é":"\\u0000"}' },
        item { key = "c", raw = ("x"):rep(1024 * 1024) },
      }, WINDOW))
      local entries = assert(store:claim(10, 60))
      assert.equal(3, #entries)
      assert.equal("1", entries[1].raw)
      assert.equal("webhook_x", entries[1].webhook_id)
      assert.is_false(entries[1].verified)
      assert.equal(1700000000.125, entries[1].received_at)
      assert.equal(1, entries[1].attempt)
      assert.equal('{"é":"\\u0000"}', entries[2].raw)
      assert.is_true(entries[2].verified)
      assert.equal(1024 * 1024, #entries[3].raw)
      assert.is_true(entries[1].id < entries[2].id and entries[2].id < entries[3].id)
    end)

    it("accepts an event without a webhook's id", function()
      local without = item {}
      without.webhook_id = nil
      assert.same({ true }, store:put({ without }, WINDOW))
      assert.is_nil(claim().webhook_id)
    end)

    it("stores the origin, which is webhook by default", function()
      assert.same({ true, true, true }, store:put({ item { key = "a" }, item { key = "b", origin = "derived" },
        item { key = "c", origin = "reconcile", webhook_id = "derived 1 2", error = "x" } }, WINDOW))
      local entries = assert(another():claim(10, 60))
      assert.equal("webhook", entries[1].origin)
      assert.equal("derived", entries[2].origin)
      local dead = assert(store:list({ state = "dead" }, { limit = 1 }))[1]
      assert.equal("reconcile", dead.origin)
      assert.equal("derived 1 2", dead.webhook_id)
    end)

    it("recognises a duplicate of an event in any state, also in the same batch", function()
      local batch = { item { key = "a" }, item { key = "a" }, item { key = "b" } }
      assert.same({ true, false, true }, store:put(batch, WINDOW))
      assert.is_false(put { key = "a" })
      local entry = claim()
      assert.is_false(put { key = "a" })
      assert.is_true(store:retry(entry.id, entry.token, 0, "x"))
      assert.is_false(put { key = "a" })
      entry = claim_soon()
      assert.is_true(store:complete(entry.id, entry.token))
      assert.is_false(put { key = "a" })
      entry = claim()
      assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
      assert.is_false(put { key = "b" })
      assert.is_true(put { key = "c" })
    end)

    it("compares all bytes of keys", function()
      for _, key in ipairs { "a\0b", "a\0c", "a", "A", "a ", "", "é", "e\204\129", "'; DROP", "%s" } do
        assert.is_true(put { key = key }, key)
        assert.is_false(put { key = key }, key)
      end
    end)

    it("drops events of one occurrence within the window", function()
      assert.is_true(put { key = "a1", occurrence = "a" })
      assert.equal("occurrence", put { key = "a2", occurrence = "a" })
      assert.is_false(put { key = "a1", occurrence = "a" })
      assert.is_true(put { key = "b", occurrence = "b" })
      assert.same({ true }, store:put({ item { key = "a3", occurrence = "a" } }, 0))
      assert.same({ true, "occurrence" }, store:put({ item { key = "c1", occurrence = "c" },
        item { key = "c2", occurrence = "c" } }, WINDOW))
    end)

    it("counts the window from the time of receipt, also for events from a spool", function()
      assert.is_true(put { key = "a1", occurrence = "a" })
      assert.equal("occurrence", put { key = "a2", occurrence = "a", age = 15 })
      assert.is_true(put { key = "a3", occurrence = "a", age = 100 })
      assert.equal("occurrence", put { key = "a4", occurrence = "a" })
      local entries = assert(store:claim(2, 60))
      assert.is_true(entries[1].age >= 0 and entries[1].age < 15)
      assert.is_true(entries[2].age >= 100 and entries[2].age < 115)
      assert.same({ true, true, "occurrence" }, store:put({ item { key = "b1", occurrence = "b", age = 90 },
        item { key = "b2", occurrence = "b", age = 60 }, item { key = "b3", occurrence = "b", age = 50 } }, WINDOW))
    end)

    it("compares an event with all entries of its occurrence", function()
      assert.is_true(put { key = "a1", occurrence = "a", age = 100 })
      assert.is_true(put { key = "a2", occurrence = "a" })
      assert.equal("occurrence", put { key = "a3", occurrence = "a", age = 110 })
      assert.equal("occurrence", put { key = "a4", occurrence = "a", age = 90 })
      assert.is_true(put { key = "a5", occurrence = "a", age = 50 })
    end)

    it("forgets only the time of a purged event, even if others came at the same time", function()
      assert.same({ true, true }, store:put({ item { key = "a1", occurrence = "a" },
        item { key = "a2", occurrence = "a" } }, 0))
      local entry = claim()
      assert.is_true(store:complete(entry.id, entry.token))
      assert.equal(1, store:expire(0))
      assert.equal("occurrence", put { key = "a3", occurrence = "a" })
    end)

    it("accepts an event of an occurrence as new if the opposite came between", function()
      local function started(key, age) return { key = key, occurrence = "s", opposite = "e", age = age } end
      local function ended(key, age) return { key = key, occurrence = "e", opposite = "s", age = age } end
      assert.is_true(put(started("s1", 14)))
      assert.is_true(put(ended("e1", 4)))
      assert.equal("occurrence", put(ended("e2", 2)))
      assert.is_true(put(started("s2", 0)))
      assert.equal("occurrence", put(started("s3", 0)))
      assert.equal("occurrence", put(started("s4", 16)))
      assert.is_true(put(ended("e3", 0)))
    end)

    it("uses the order of a batch when it looks for an opposite between two of its events", function()
      local function of(key, occurrence, opposite)
        return item { key = key, occurrence = occurrence, opposite = opposite }
      end
      assert.same({ true, true, true, "occurrence", true }, store:put({ of("s1", "s", "e"), of("e1", "e", "s"),
        of("s2", "s", "e"), of("s3", "s", "e"), of("e2", "e", "s") }, WINDOW))
      assert.same({ true, true }, store:put({ of("t1", "t", "u"), of("u1", "u", "t") }, WINDOW))
      assert.is_true(put { key = "t2", occurrence = "t", opposite = "u" })
    end)

    it("ignores an opposite that came before both events", function()
      assert.is_true(put { key = "e1", occurrence = "e", opposite = "s", age = 15 })
      assert.is_true(put { key = "s1", occurrence = "s", opposite = "e", age = 10 })
      assert.equal("occurrence", put { key = "s2", occurrence = "s", opposite = "e" })
    end)

    it("uses the time of the earliest delivery of an event, in any order of puts", function()
      assert.is_true(put { key = "s1", occurrence = "s", opposite = "e", age = 15 })
      assert.is_true(put { key = "e1", raw = "e1", occurrence = "e", opposite = "s" })
      assert.is_false(put { key = "e1", occurrence = "e", opposite = "s", age = 10 })
      assert.is_true(put { key = "s2", occurrence = "s", opposite = "e", age = 5 })
      local ended = assert(store:claim(3, 60))[2]
      assert.equal("e1", ended.raw)
      assert.is_true(ended.age >= 10 and ended.age < 15)
      assert.is_true(store:complete(ended.id, ended.token))
      assert.is_false(put { key = "e1", occurrence = "e", opposite = "s", age = 12 })
      assert.equal(1, store:expire(0))
      assert.is_true(put { key = "e2", occurrence = "e", opposite = "s" })
      assert.same({ true, false }, store:put({ item { key = "x1", occurrence = "x" },
        item { key = "x1", occurrence = "x", age = 100 } }, WINDOW))
      assert.is_true(put { key = "x2", occurrence = "x" })
    end)

    it("puts an item with a condition only while an entry of its opposite is the last one", function()
      local function started(key, age) return { key = key, occurrence = "s", opposite = "e", age = age } end
      local function ended(key, age) return { key = key, occurrence = "e", opposite = "s", age = age } end
      local function if_open(key, age)
        local fields = ended(key, age)
        fields.opposite_age = { min = 20, max = 1000 }
        return fields
      end
      assert.is_false(put(if_open "e1"))
      assert.is_true(put(started("s1", 500)))
      assert.is_false(put(if_open("e2", 600)))
      assert.is_false(put(if_open("e3", 490)))
      assert.is_true(put(if_open("e4", 100)))
      assert.is_false(put(if_open("e5", 50)))
      assert.is_false(put(if_open("e6", 200)))
      assert.is_true(put(started("s2", 40)))
      assert.is_false(put(if_open("e7", 30)))
      assert.is_true(put(ended("e8", 10)))
      assert.is_false(put(if_open "e9"))
      assert.is_true(put(started "s3"))
      assert.is_false(put(if_open("e10", 5)))
      assert.equal(5, count "waiting")
      assert.is_true(put { key = "v1", occurrence = "v", opposite = "w", age = 500 })
      assert.is_true(put { key = "v2", occurrence = "v", opposite = "w", age = 10 })
      local bounds = { min = 20, max = 1000 }
      assert.is_false(put { key = "w1", occurrence = "w", opposite = "v", age = 100, opposite_age = bounds })
    end)

    it("uses the condition's time limits, the batch, and entries that are done, until they are purged", function()
      local function of(key, occurrence, opposite, age, bounds)
        return item { key = key, occurrence = occurrence, opposite = opposite, age = age, opposite_age = bounds }
      end
      assert.same({ true, false, true, false }, store:put({ of("s1", "s", "e", 2000),
        of("e1", "e", "s", 0, { min = 20, max = 1000 }), of("e2", "e", "s", 0, { min = 20, max = 3000 }),
        of("e3", "e", "s", 0, { min = 20, max = 3000 }) }, WINDOW))
      assert.is_true(put { key = "t1", occurrence = "t", opposite = "u", age = 100 })
      for _, entry in ipairs(assert(store:claim(10, 60))) do assert.is_true(store:complete(entry.id, entry.token)) end
      assert.same({ false, true }, store:put({ of("e4", "e", "s", 0, { min = 20, max = 3000 }),
        of("u1", "u", "t", 0, { min = 20, max = 3000 }) }, WINDOW))
      assert.is_true(put { key = "x1", occurrence = "x", opposite = "y", age = 100 })
      for _, entry in ipairs(assert(store:claim(10, 60))) do assert.is_true(store:complete(entry.id, entry.token)) end
      assert.equal(5, store:expire(0))
      assert.same({ false }, store:put({ of("y1", "y", "x", 0, { min = 20, max = 3000 }) }, WINDOW))
    end)

    it("stores an event with an error as a dead letter, which redrive queues", function()
      assert.same({ true, true, true, false }, store:put({
        item { key = "a", raw = "a", error = "cannot be parsed", lane = "l" },
        item { key = "b", raw = "b", lane = "l" }, item { key = "c", raw = "c", error = "x\ny", lane = "l" },
        item { key = "a", raw = "a" } }, WINDOW))
      local dead = assert(store:list({ state = "dead" }, { limit = 10 }))
      assert.same({ "a", "c" }, raws_of(dead))
      assert.equal("cannot be parsed", dead[1].error)
      assert.equal("x\ny", dead[2].error)
      assert.equal(0, dead[1].attempt)
      assert.equal("dead", dead[1].state)
      local stats = assert(store:stats())
      assert.equal(2, stats.dead)
      assert.equal(1, stats.waiting)
      local entry = claim()
      assert.equal("b", entry.raw)
      assert.is_nil(claim())
      assert.is_false(put { key = "a", error = "cannot be parsed" })
      assert.is_true(store:complete(entry.id, entry.token))
      assert.equal(1, store:redrive({ id = dead[1].id }, { limit = 1 }))
      entry = claim()
      assert.equal("a", entry.raw)
      assert.equal(1, entry.attempt)
      assert.is_true(store:complete(entry.id, entry.token))
      assert.equal(0, store:purge({ state = "dead", ended_for = 60 }, { limit = 1000 }))
      assert.equal(1, store:purge({ state = "dead", ended_for = 0 }, { limit = 1000 }))
      assert.is_true(put { key = "c" })
    end)

    it("queues an event with an error in its lane, before the first claim", function()
      assert.same({ true, true }, store:put({ item { key = "a", raw = "a", lane = "l" },
        item { key = "b", raw = "b", lane = "l", error = "x" } }, WINDOW))
      assert.equal(1, store:redrive({}, { limit = 1000 }))
      assert.equal("a", claim().raw)
      assert.is_nil(claim())
    end)

    it("accepts an empty batch", function()
      assert.same({}, store:put({}, WINDOW))
      assert.equal(0, count "waiting")
    end)

    it("returns true for exactly one of concurrent duplicates", function()
      local others, is_new = { store, another(), another() }, 0
      apivideo.parallel(50, (("x"):rep(200)):gmatch "x", function(_, place)
        local results = assert(others[place % 3 + 1]:put({ item { key = "same", raw = tostring(place) } }, WINDOW))
        if results[1] then is_new = is_new + 1 end
      end)
      assert.equal(1, is_new)
      assert.equal(1, count "waiting")
    end)
  end)
end
