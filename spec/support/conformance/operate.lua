--- Conformance of a store: what an operator does, and what other processes see.

local assert = require "luassert"
local busted = require "busted"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

local unpack = table.unpack or unpack

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, ids_of, raws_of, in_child = test.WINDOW, test.item, test.ids_of, test.raws_of, test.in_child
  local kind, another, put, claim, count = test.kind, test.another, test.put, test.claim, test.count
  local store

  before_each(function() store = test.store() end)

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
      local dead = assert(store:list({ state = "dead" }, { limit = 10 }))
      assert.same({ a, b }, ids_of(dead))
      assert.equal("why a", dead[1].error)
      assert.equal("dead", dead[1].state)
      assert.equal("a", dead[1].raw)
      assert.equal(1, store:redrive({ id = b }, { limit = 1 }))
      assert.equal(0, store:redrive({ id = b }, { limit = 1 }))
      assert.equal(0, store:redrive({ id = b + 100 }, { limit = 1 }))
      local entry = claim()
      assert.equal("b", entry.raw)
      assert.equal(1, entry.attempt)
      assert.is_true(entry.token > 1)
      assert.is_true(store:complete(entry.id, entry.token))
    end)

    it("are all redriven", function()
      for i = 1, 3 do dead_letter { key = tostring(i), raw = tostring(i) } end
      assert.equal(3, store:redrive({}, { limit = 1000 }))
      assert.equal(0, store:redrive({}, { limit = 1000 }))
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
      assert.equal(0, store:expire(60))
      assert.equal(1, store:expire(0))
      assert.equal(0, store:expire(0))
      assert.is_true(put { key = "done" })
      assert.is_false(put { key = "dead" })
      assert.equal(1, store:purge({ state = "dead", ended_for = 0 }, { limit = 1000 }))
      assert.is_true(put { key = "dead" })
      assert.is_false(put { key = "waiting" })
      assert.equal(3, count "waiting")
    end)
  end)

  describe("list", function()
    it("pages through the entries of a state", function()
      for i = 1, 5 do put { key = tostring(i), raw = tostring(i) } end
      local first = assert(store:list({ state = "waiting" }, { limit = 2 }))
      assert.same({ "1", "2" }, raws_of(first))
      assert.same({ "3", "4", "5" }, raws_of(store:list({ state = "waiting" }, { limit = 10, after = first[2].id })))
      local entry = claim()
      assert.same({ entry.id }, ids_of(store:list({ state = "claimed" }, { limit = 10 })))
      assert.same({ "2" }, raws_of(store:list({ state = "waiting" }, { limit = 1 })))
      assert.is_true(store:complete(entry.id, entry.token))
      assert.same({ entry.id }, ids_of(store:list({ state = "done" }, { limit = 10 })))
      assert.same({}, store:list({ state = "dead" }, { limit = 10 }))
    end)
  end)

  if kind.unwritable then
    it("lists and counts while the events cannot be written", function()
      for i = 1, 4 do put { key = tostring(i), raw = tostring(i) } end
      local dead, done = claim(), claim()
      assert.is_true(store:dead_letter(dead.id, dead.token, "x"))
      assert.is_true(store:complete(done.id, done.token))
      claim(0.05)
      wait_for(function() return count "waiting" == 2 end, "the lease's end")
      local other = another()
      kind.unwritable(function()
        for _, each in ipairs { store, other } do
          local started = runtime.monotonic()
          assert.same({ "3", "4" }, raws_of(assert(each:list({ state = "waiting" }, { limit = 10 }))))
          assert.same({ dead.id }, ids_of(assert(each:list({ state = "dead" }, { limit = 10 }))))
          assert.same({}, assert(each:list({ state = "claimed" }, { limit = 10 })))
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
        { "remove", 1, 1 }, { "retry", 1, 1, 0, "x" }, { "dead_letter", 1, 1, "x" }, { "expire", 0 },
        { "list", {}, { limit = 1 } }, { "count", {}, {} }, { "redrive", {}, { limit = 1 } },
        { "replay", {}, { limit = 1 } }, { "purge", { state = "done" }, { limit = 1 } }, { "import", {} },
        { "pause" }, { "resume" }, { "stats" } } do
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
end
