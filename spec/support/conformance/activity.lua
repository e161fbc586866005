--- Conformance of a store: the numbers of each minute.

local assert = require "luassert"
local busted = require "busted"
local tables = require "apivideo.util.tables"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

local digest = require("apivideo.inbox.store").digest

local ALL = { limit = 1000 }

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, put, claim = test.WINDOW, test.item, test.put, test.claim
  local store, phase

  before_each(function()
    store = test.store()
    phase = select(2, assert(store:activity()))
  end)

  -- Calls a function at the beginning of a later minute of the store.
  local function in_minute(number, fn)
    test.after(number * 60 - phase + 2, fn)
  end

  local function complete(entry, ...)
    assert.is_true(store:complete(entry.id, entry.token, nil, WINDOW, nil, ...))
  end

  -- Tens of seconds, since the calls of a test take some time.
  local function rounded(latency)
    return math.floor(latency / 10 + 0.5) * 10
  end

  -- The numbers of a minute, with its latency rounded.
  local function minute(list, place)
    return tables.merge(list[place], { latency = rounded(list[place].latency) })
  end

  -- The numbers of the whole hour.
  local function total(from)
    local sum = { received = 0, handled = 0, latency = 0, replayed = 0, failed = 0 }
    for _, each in ipairs(assert((from or store):activity())) do
      for name in pairs(sum) do sum[name] = sum[name] + each[name] end
    end
    sum.latency = rounded(sum.latency)
    return sum
  end

  local function numbers(received, handled, latency, replayed, failed)
    return { received = received, handled = handled, latency = latency, replayed = replayed, failed = failed }
  end

  local NONE = numbers(0, 0, 0, 0, 0)

  describe("activity", function()
    it("has sixty minutes, which are empty at first", function()
      local list, seconds = store:activity()
      assert.equal(60, #list)
      for i = 1, 60 do assert.same(NONE, list[i]) end
      assert.is_true(seconds >= 0 and seconds <= 60)
    end)

    it("has what happened in each minute, for an hour", function()
      in_minute(1, function()
        for _, key in ipairs { "a", "b", "c" } do put { key = key } end
        complete(claim())
        local entry = claim()
        assert.is_true(store:retry(entry.id, entry.token, 0, "x"))
      end)
      in_minute(3, function()
        complete(claim())
        local entry = claim()
        assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
        put { key = "d" }
      end)
      in_minute(4, function()
        local list, seconds = store:activity()
        assert.is_true(seconds >= 1 and seconds < 30)
        assert.same(numbers(3, 1, 0, 0, 1), minute(list, 57))
        assert.same(NONE, list[58])
        assert.same(numbers(1, 1, 120, 0, 1), minute(list, 59))
        assert.same(NONE, list[60])
      end)
      in_minute(61, function()
        put { key = "e" }
        assert.equal(1, store:expire(3590))
        local list = store:activity()
        assert.same(numbers(1, 1, 120, 0, 1), minute(list, 2))
        assert.same(numbers(2, 1, 120, 0, 1), total())
      end)
      in_minute(63, function() assert.same(numbers(1, 0, 0, 0, 0), total()) end)
      in_minute(130, function()
        put { key = "f" }
        assert.equal(1, store:expire(3590))
        assert.same(numbers(1, 0, 0, 0, 0), total())
      end)
    end)

    it("counts what was purged, expired, redriven or replayed since", function()
      for _, key in ipairs { "a", "b", "c", "d" } do put { key = key, age = 100 } end
      local ids = {}
      for i = 1, 3 do
        local entry = claim()
        complete(entry, true)
        ids[i] = entry.id
      end
      local entry = claim()
      assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
      local expected = numbers(4, 3, 300, 0, 1)
      assert.same(expected, total())
      assert.equal(1, store:purge({ id = ids[1], state = "done" }, ALL))
      assert.same(expected, total())
      assert.equal(1, store:replay({ id = ids[2] }, ALL))
      assert.same(expected, total())
      complete(claim(), true)
      expected.replayed = 1
      assert.same(expected, total())
      assert.equal(2, store:replay({}, ALL))
      complete(claim())
      complete(claim())
      expected.replayed = 3
      assert.same(expected, total())
      assert.equal(2, store:expire(0))
      assert.equal(1, store:redrive({}, ALL))
      assert.same(expected, total())
      complete(claim())
      assert.same(numbers(4, 4, 400, 3, 1), total())
      assert.equal(1, store:expire(0))
      assert.same(numbers(4, 4, 400, 3, 1), total())
      assert.equal(0, store:stats().done)
    end)

    it("does not count duplicates, lost claims and entries that were removed without being done", function()
      put { key = "a", occurrence = "o" }
      assert.is_false(put { key = "a" })
      assert.equal("occurrence", put { key = "b", occurrence = "o" })
      local entry = claim()
      assert.is_false(store:complete(entry.id, entry.token + 1))
      assert.is_false(store:retry(entry.id, entry.token + 1, 0, "x"))
      assert.is_false(store:dead_letter(entry.id, entry.token + 1, "x"))
      assert.is_true(store:remove(entry.id, entry.token))
      put { key = "c", error = "it cannot be parsed" }
      assert.equal(1, store:purge({ state = "dead" }, ALL))
      assert.same(numbers(2, 0, 0, 0, 0), total())
    end)

    it("counts the items that complete an event, and several of one call", function()
      assert(store:put({ item { key = "a" }, item { key = "b" }, item { key = "a" } }, WINDOW))
      local entry = claim()
      assert.is_true(store:complete(entry.id, entry.token, { item { key = "b" }, item { key = "c" } }, WINDOW))
      assert.same(numbers(3, 1, 0, 0, 0), total())
    end)

    it("counts from the receipt of an event, which may have been in a spool", function()
      in_minute(10, function()
        put { key = "a", age = 130 }
        put { key = "old", age = 7200 }
        local list = store:activity()
        assert.equal(1, list[57].received) -- two minutes and some seconds before the beginning of minute 10
        complete(claim())
        assert.same(numbers(1, 1, 130, 0, 0), total())
        assert.is_false(put { key = "a", age = 150 })
        assert.is_false(put { key = "a", age = 60 })
        assert.same(numbers(1, 1, 150, 0, 0), total())
        complete(claim())
        assert.same(numbers(1, 2, 7350, 0, 0), total())
        assert.equal(2, store:purge({ state = "done" }, ALL))
        assert.same(numbers(1, 2, 7350, 0, 0), total())
      end)
    end)

    it("counts entries that are imported, at their times", function()
      local function record(key, more)
        return tables.merge({ key = digest(key), state = "waiting", raw = "", verified = true, age = 100,
          received_at = 1700000000, attempt = 0, origin = "webhook" }, more)
      end
      in_minute(10, function()
        local records = { record "a", record("b", { state = "done", ended_for = 20 }),
          record("c", { state = "done", ended_for = 20, replay = true }),
          record("d", { state = "dead", ended_for = 20 }),
          record("e", { state = "done", ended_for = 7200, age = 7300 }), record "a" }
        assert.same({ true, true, true, true, true, false }, store:import(records))
        local list = store:activity()
        assert.same(numbers(4, 0, 0, 0, 0), minute(list, 58))
        assert.same(numbers(0, 1, 80, 1, 0), minute(list, 59))
        assert.same({ false, true }, store:import { record "b", record "f" })
        assert.equal(3, store:expire(0))
        assert.same(numbers(5, 1, 80, 1, 0), total())
      end)
    end)

    it("is that of all users of the events", function()
      local other = test.another()
      put { key = "a" }
      assert(other:put({ item { key = "b" } }, WINDOW))
      complete(claim())
      local entry = assert(other:claim(1, 60))[1]
      assert.is_true(other:complete(entry.id, entry.token))
      assert.same(numbers(2, 2, 0, 0, 0), total())
      assert.same(numbers(2, 2, 0, 0, 0), total(other))
    end)
  end)
end
