--- The conformance suite of the stores of an inbox. The spec of each store runs it:
---   conformance("memory", { open = function() return memory() end })

local apivideo = require "apivideo"
local busted = require "busted"
local core = require "apivideo.core"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local describe, it, before_each, after_each = busted.describe, busted.it, busted.before_each, busted.after_each
local assert = require "luassert"

local unpack = table.unpack or unpack

local WINDOW = 20

-- An item with the fields that matter to a test, and defaults.
local function item(fields)
  local result = {
    key = "key", raw = "{}", verified = true, received_at = 1700000000.25, webhookId = "webhook_1",
  }
  for name, value in pairs(fields) do result[name] = value end
  return result
end

local function ids_of(entries)
  local ids = {}
  for i, entry in ipairs(entries) do ids[i] = entry.id end
  return ids
end

local function raws_of(entries)
  local raws = {}
  for i, entry in ipairs(entries) do raws[i] = entry.raw end
  return raws
end

-- Calls a function as if in a forked child process.
local function in_child(fn)
  local process_id = core.process_id
  core.process_id = function() return process_id() + 1 end
  local ok, problem = pcall(fn)
  core.process_id = process_id
  if not ok then error(problem, 0) end
end

---@class spec.StoreKind
---@field open fun(): apivideo.Store an empty store; it is closed after the test
---@field again? fun(): apivideo.Store another store on the same events, as in another process
---@field volatile? boolean
---@field unwritable? fun(fn: fun()) calls fn while the events cannot be written
---@field inherited? "works"|"rejects" the behaviour in the child of a store that was used before a fork

---@param name string
---@param kind spec.StoreKind
return function(name, kind)
  describe("inbox store " .. name, function()
    local store, opened

    local function another()
      if not kind.again then return store end
      local other = kind.again()
      opened[#opened + 1] = other
      return other
    end

    before_each(function()
      store = kind.open()
      opened = { store }
    end)

    after_each(function()
      for _, each in ipairs(opened) do each:close() end
    end)

    local function put(fields)
      return assert(store:put({ item(fields) }, WINDOW))[1]
    end

    local function claim(lease)
      return assert(store:claim(1, lease or 60))[1]
    end

    -- Claims until an event is ready: after a lease or a delay of a test.
    local function claim_soon(lease)
      return wait_for(function() return claim(lease) end, "an entry")
    end

    local function count(state)
      return #assert(store:list(state, 1000, 0))
    end

    describe("put", function()
      it("stores all fields, in the order of receipt", function()
        assert.same({ true, true, true }, store:put({
          item { key = "a", raw = "1", webhookId = "webhook_x", verified = false, received_at = 1700000000.125 },
          item { key = "b", raw = '{"é":"\\u0000"}' },
          item { key = "c", raw = ("x"):rep(1024 * 1024) },
        }, WINDOW))
        local entries = assert(store:claim(10, 60))
        assert.equal(3, #entries)
        assert.equal("1", entries[1].raw)
        assert.equal("webhook_x", entries[1].webhookId)
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
        without.webhookId = nil
        assert.same({ true }, store:put({ without }, WINDOW))
        assert.is_nil(claim().webhookId)
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
        assert.equal(1, store:purge("done", 0))
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
        assert.equal(1, store:purge("done", 0))
        assert.is_true(put { key = "e2", occurrence = "e", opposite = "s" })
        assert.same({ true, false }, store:put({ item { key = "x1", occurrence = "x" },
          item { key = "x1", occurrence = "x", age = 100 } }, WINDOW))
        assert.is_true(put { key = "x2", occurrence = "x" })
      end)

      it("stores an event with an error as a dead letter, which redrive queues", function()
        assert.same({ true, true, true, false }, store:put({
          item { key = "a", raw = "a", error = "cannot be parsed", lane = "l" },
          item { key = "b", raw = "b", lane = "l" }, item { key = "c", raw = "c", error = "x\ny", lane = "l" },
          item { key = "a", raw = "a" } }, WINDOW))
        local dead = assert(store:list("dead", 10, 0))
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
        assert.equal(1, store:redrive(dead[1].id))
        entry = claim()
        assert.equal("a", entry.raw)
        assert.equal(1, entry.attempt)
        assert.is_true(store:complete(entry.id, entry.token))
        assert.equal(0, store:purge("dead", 60))
        assert.equal(1, store:purge("dead", 0))
        assert.is_true(put { key = "c" })
      end)

      it("queues an event with an error in its lane, before the first claim", function()
        assert.same({ true, true }, store:put({ item { key = "a", raw = "a", lane = "l" },
          item { key = "b", raw = "b", lane = "l", error = "x" } }, WINDOW))
        assert.equal(1, store:redrive())
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
        local waiting = assert(store:list("waiting", 10, 0))
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

    describe("dead letters", function()
      local function dead_letter(fields)
        put(fields)
        local entry = claim()
        assert.is_true(store:dead_letter(entry.id, entry.token, "why " .. entry.raw))
        return entry.id
      end

      it("are stored with their error until they are redriven", function()
        local a, b = dead_letter { key = "a", raw = "a" }, dead_letter { key = "b", raw = "b" }
        assert.is_nil(claim())
        local dead = assert(store:list("dead", 10, 0))
        assert.same({ a, b }, ids_of(dead))
        assert.equal("why a", dead[1].error)
        assert.equal("dead", dead[1].state)
        assert.equal("a", dead[1].raw)
        assert.equal(1, store:redrive(b))
        assert.equal(0, store:redrive(b))
        assert.equal(0, store:redrive(b + 100))
        local entry = claim()
        assert.equal("b", entry.raw)
        assert.equal(1, entry.attempt)
        assert.is_true(entry.token > 1)
        assert.is_true(store:complete(entry.id, entry.token))
      end)

      it("are all redriven", function()
        for i = 1, 3 do dead_letter { key = tostring(i), raw = tostring(i) } end
        assert.equal(3, store:redrive())
        assert.equal(0, store:redrive())
        assert.same({ "1", "2", "3" }, raws_of(store:claim(10, 60)))
      end)
    end)

    describe("purge", function()
      it("removes entries that have ended, and their keys", function()
        put { key = "done" }
        local entry = claim()
        assert.is_true(store:complete(entry.id, entry.token))
        put { key = "dead" }
        entry = claim()
        assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
        put { key = "waiting" }
        assert.equal(0, store:purge("done", 60))
        assert.equal(1, store:purge("done", 0))
        assert.equal(0, store:purge("done", 0))
        assert.is_true(put { key = "done" })
        assert.is_false(put { key = "dead" })
        assert.equal(1, store:purge("dead", 0))
        assert.is_true(put { key = "dead" })
        assert.is_false(put { key = "waiting" })
        assert.equal(3, count "waiting")
      end)
    end)

    describe("list", function()
      it("pages through the entries of a state", function()
        for i = 1, 5 do put { key = tostring(i), raw = tostring(i) } end
        local first = assert(store:list("waiting", 2, 0))
        assert.same({ "1", "2" }, raws_of(first))
        assert.same({ "3", "4", "5" }, raws_of(store:list("waiting", 10, first[2].id)))
        local entry = claim()
        assert.same({ entry.id }, ids_of(store:list("claimed", 10, 0)))
        assert.same({ "2" }, raws_of(store:list("waiting", 1, 0)))
        assert.is_true(store:complete(entry.id, entry.token))
        assert.same({ entry.id }, ids_of(store:list("done", 10, 0)))
        assert.same({}, store:list("dead", 10, 0))
      end)
    end)

    describe("a claim whose lease has expired", function()
      it("is listed and counted as waiting, in its order, before any process claims again", function()
        for i = 1, 3 do put { key = tostring(i), raw = tostring(i) } end
        claim(0.05)
        claim(60)
        wait_for(function() return count "waiting" == 2 end, "the lease's end")
        assert.same({ "1", "3" }, raws_of(store:list("waiting", 10, 0)))
        assert.same({ "1" }, raws_of(store:list("waiting", 1, 0)))
        assert.same({ "2" }, raws_of(store:list("claimed", 1, 0)))
        local stats = assert(store:stats())
        assert.equal(2, stats.waiting)
        assert.equal(1, stats.claimed)
        assert.equal(1, stats.attempts)
      end)
    end)

    if kind.unwritable then
      it("lists and counts while the events cannot be written", function()
        for i = 1, 4 do put { key = tostring(i), raw = tostring(i) } end
        claim(0.05)
        local dead, done = claim(), claim()
        assert.is_true(store:dead_letter(dead.id, dead.token, "x"))
        assert.is_true(store:complete(done.id, done.token))
        wait_for(function() return count "waiting" == 2 end, "the lease's end")
        local other = another()
        kind.unwritable(function()
          for _, each in ipairs { store, other } do
            local started = runtime.monotonic()
            assert.same({ "1", "4" }, raws_of(assert(each:list("waiting", 10, 0))))
            assert.same({ dead.id }, ids_of(assert(each:list("dead", 10, 0))))
            assert.same({}, assert(each:list("claimed", 10, 0)))
            assert.equal(2, assert(each:stats()).waiting)
            assert.is_true(runtime.monotonic() - started < 4) -- not the 5 s of the busy timeout
          end
        end)
      end)
    end

    if kind.inherited then
      it("is not shared with a child process that was forked", function()
        put { key = "a", raw = "a" }
        local entry = claim()
        in_child(function()
          local results, err = store:put({ item { key = "b", raw = "b" } }, WINDOW)
          if kind.inherited == "works" then
            assert.same({ true }, results)
            assert.equal("b", claim().raw)
          else
            assert.is_nil(results)
            assert.equal("store_unavailable", err.kind)
            assert.truthy(err.message:find("before this process was forked", 1, true))
            local second = another()
            assert.truthy(select(2, second:stats()).message:find("before this process was forked", 1, true))
            assert.is_true(second:close())
          end
        end)
        assert.is_true(store:extend(entry.id, entry.token, 60))
        assert.is_true(store:complete(entry.id, entry.token))
        assert.is_true(put { key = "c" })
      end)
    end

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
        assert.equal(1, store:redrive())
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

    describe("pause", function()
      it("stops claims in all processes, and no other call", function()
        put { key = "a" }
        local entry = claim()
        put { key = "b" }
        local other = another()
        assert.is_true(store:pause())
        assert.is_true(assert(other:stats()).paused)
        assert.same({}, other:claim(10, 60))
        assert.is_true(put { key = "c" })
        assert.is_true(store:complete(entry.id, entry.token))
        assert.is_true(other:resume())
        assert.equal(2, #store:claim(10, 60))
        assert.is_false(assert(store:stats()).paused)
      end)
    end)

    describe("stats", function()
      it("counts", function()
        assert.same({ waiting = 0, claimed = 0, dead = 0, done = 0, attempts = 0, paused = false }, store:stats())
        for i = 1, 6 do put { key = tostring(i), lane = i > 4 and "lane" or nil } end
        local done, dead, late = claim(), claim(), claim()
        assert.is_true(store:complete(done.id, done.token))
        assert.is_true(store:dead_letter(dead.id, dead.token, "x"))
        assert.is_true(store:retry(late.id, late.token, 60, "x"))
        claim()
        local stats = assert(store:stats())
        assert.equal(3, stats.waiting)
        assert.equal(1, stats.claimed)
        assert.equal(1, stats.dead)
        assert.equal(1, stats.done)
        assert.equal(1, stats.attempts)
        assert.is_true(stats.oldest >= 0 and stats.oldest < 60)
      end)
    end)

    describe("close", function()
      it("can be called twice; later calls return an error", function()
        assert.is_true(store:close())
        assert.is_true(store:close())
        local results, err = store:put({ item {} }, WINDOW)
        assert.is_nil(results)
        assert.equal("store_unavailable", err.kind)
        for _, call in ipairs { { "claim", 1, 60 }, { "extend", 1, 1, 60 }, { "complete", 1, 1 },
          { "remove", 1, 1 }, { "retry", 1, 1, 0, "x" }, { "dead_letter", 1, 1, "x" }, { "list", "dead", 1, 0 },
          { "redrive" }, { "purge", "done", 0 }, { "pause" }, { "resume" }, { "stats" } } do
          local result, problem = store[call[1]](store, unpack(call, 2))
          assert.is_nil(result, call[1])
          assert.equal("store_unavailable", problem.kind)
        end
      end)

      if kind.again and not kind.volatile then
        it("loses nothing", function()
          put { key = "a", raw = "a" }
          put { key = "b", raw = "b" }
          local entry = claim()
          store:close()
          local other = another()
          assert.is_true(other:complete(entry.id, entry.token))
          assert.same({ "b" }, raws_of(other:claim(10, 60)))
          assert.same({ false }, other:put({ item { key = "a" } }, WINDOW))
        end)
      end
    end)
  end)
end
