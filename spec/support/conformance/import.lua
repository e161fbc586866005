--- Conformance of a store: entries that come from another store.

local assert = require "luassert"
local busted = require "busted"
local tables = require "apivideo.util.tables"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

local digest = require("apivideo.inbox.store").digest

local PAGE = { limit = 1000, detailed = true }

---@param test spec.StoreTest
return function(test)
  local WINDOW, raws_of, put, claim, count = test.WINDOW, test.raws_of, test.put, test.claim, test.count
  local store

  before_each(function() store = test.store() end)

  local function record(key, more)
    return tables.merge({
      key = digest(key), state = "waiting", raw = key, verified = true, received_at = 1700000000.25, age = 100,
      attempt = 0, origin = "webhook",
    }, more)
  end

  local FULL = { occurrence = digest "o", lane = digest "l", type = "video.a", video_id = "vi1", detail = "mp4 720p",
    webhook_id = "w", verified = false, attempt = 3, attempts = "past", error = "why", origin = "reconcile",
    replay = true }

  describe("import", function()
    it("stores all fields, which detailed lists have", function()
      local records = {
        record("a", FULL), record("b", tables.merge(FULL, { state = "dead", ended_for = 50 })),
        record("c", tables.merge(FULL, { state = "done", ended_for = 60, raw = "" })), record "d",
      }
      assert.same({ true, true, true, true }, store:import(records))
      local entries = assert(store:list({}, PAGE))
      assert.equal(4, #entries)
      for i, entry in ipairs(entries) do
        for _, name in ipairs { "key", "occurrence", "lane", "state", "raw", "type", "video_id", "detail", "webhook_id",
          "verified", "received_at", "attempt", "attempts", "error", "origin", "replay" } do
          assert.equal(records[i][name], entry[name], name)
        end
        assert.is_true(entry.age >= 100 and entry.age < 160)
        assert.equal(records[i].ended_for == nil, entry.ended_for == nil)
        if entry.ended_for then
          assert.is_true(entry.ended_for >= records[i].ended_for and entry.ended_for < records[i].ended_for + 60)
        end
      end
    end)

    it("leaves out entries whose key is known, and recognises later duplicates", function()
      put { key = "a", raw = "a" }
      assert.same({ false, true, true, false }, store:import { record "a",
        record("b", { state = "done", ended_for = 1 }), record("c", { occurrence = digest "o", age = 1 }), record "c" })
      assert.same({ false, false, false }, store:import { record "a", record "b", record "c" })
      assert.is_false(put { key = "b" })
      assert.equal("occurrence", put { key = "c2", occurrence = "o", opposite = "p" })
      assert.equal(2, count "waiting")
      assert.equal(1, count "done")
    end)

    it("queues what waits, in its lane, and redrives, replays, expires what has ended", function()
      put { key = "first", raw = "first", lane = "l" }
      assert(store:import { record("a", { lane = digest "l" }), record "b",
        record("c", { state = "dead", ended_for = 10, lane = digest "l" }),
        record("d", { state = "done", ended_for = 10 }), record("e", { state = "done", ended_for = 1000, raw = "" }) })
      local claims = assert(store:claim(10, 60))
      assert.same({ "first", "b" }, raws_of(claims))
      assert.is_true(store:complete(claims[1].id, claims[1].token, nil, WINDOW))
      local entry = claim()
      assert.equal("a", entry.raw)
      assert.equal(1, entry.attempt)
      assert.equal(1, store:redrive({}, PAGE))
      assert.is_nil(claim())
      assert.is_true(store:complete(entry.id, entry.token))
      assert.equal("c", claim().raw)
      assert.equal(1, store:expire(500))
      assert.equal(1, store:replay({}, PAGE))
      assert.equal("d", claim().raw)
      local stats = assert(store:stats())
      assert.equal(2, stats.done)
      assert.equal(0, stats.waiting + stats.dead)
    end)

    it("counts attempts, and takes many at once", function()
      local records = {}
      for i = 1, 1200 do records[i] = record(tostring(i), { attempt = i == 700 and 5 or 0 }) end
      assert.equal(1200, #assert(store:import(records)))
      local stats = assert(store:stats())
      assert.equal(1200, stats.waiting)
      assert.equal(5, stats.attempts)
      assert.same({}, store:import {})
    end)
  end)
end
