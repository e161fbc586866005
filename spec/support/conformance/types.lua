--- Conformance of a store: paused types, and claims with limits by type.

local assert = require "luassert"
local busted = require "busted"
local wait_for = require "spec.support.wait"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

local A, B = "video.a", "video.b"

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, raws_of, another = test.WINDOW, test.item, test.raws_of, test.another
  local claim, claim_soon, count = test.claim, test.claim_soon, test.count
  local store

  before_each(function() store = test.store() end)

  -- Puts events in a call, each with a type: { "a1", A }.
  local function put_all(...)
    local items = {}
    for i, each in ipairs { ... } do
      items[i] = item { key = each[1], raw = each[1], type = each[2], lane = each[3] }
    end
    assert(store:put(items, WINDOW))
  end

  -- The raws of a claim, with limits as type, count …
  local function claimed(limit, ...)
    local limits, arguments = {}, { ... }
    for i = 1, #arguments, 2 do limits[#limits + 1] = { type = arguments[i], count = arguments[i + 1] } end
    return raws_of(assert(store:claim(limit, 60, limits[1] and limits or nil)))
  end

  local function paused_types(of)
    local names = {}
    for i, each in ipairs(assert((of or store):stats()).paused_types or {}) do names[i] = each.type end
    return names
  end

  describe("a paused type", function()
    it("is not claimed until it is resumed, in all processes, and uses up no attempt", function()
      put_all({ "a1", A }, { "b1", B }, { "a2", A })
      assert.is_true(store:pause(A))
      assert.same({ A }, paused_types(another()))
      assert.is_nil(assert(another():stats()).paused_types[1].probe_in)
      assert.same({ "b1" }, raws_of(assert(another():claim(10, 60))))
      put_all({ "a3", A })
      assert.same({}, claimed(10))
      assert.equal(3, count "waiting")
      assert.equal(3, assert(store:stats()).waiting)
      assert.is_true(assert(store:stats()).oldest < 60)
      assert.is_true(another():resume(A))
      assert.same({}, paused_types())
      local entries = assert(store:claim(10, 60))
      assert.same({ "a1", "a2", "a3" }, raws_of(entries))
      assert.equal(1, entries[1].attempt)
    end)

    it("is any type that a pattern matches; entries without a type are never paused", function()
      put_all({ "a1", A }, { "b1", B }, { "n" }, { "w", "widget" })
      assert.is_true(store:pause "video.*")
      assert.same({ "n", "w" }, claimed(10))
      assert.is_true(store:resume "video.*")
      assert.same({ "a1", "b1" }, claimed(10))
      put_all({ "a2", A }, { "m" })
      assert.is_true(store:pause "*")
      assert.same({ "m" }, claimed(10))
    end)

    it("is resumed with a pattern that matches it, and not with another one", function()
      for _, name in ipairs { A, "video.a.*", "x" } do assert.is_true(store:pause(name)) end
      assert.is_false(store:resume(B))
      assert.is_false(store:resume "y.*")
      assert.is_true(store:resume "video.*")
      assert.same({ "x" }, paused_types())
      assert.is_true(store:resume "*")
      assert.same({}, paused_types())
    end)

    it("stays paused when everything is paused and resumed", function()
      put_all({ "a1", A }, { "b1", B })
      assert.is_true(store:pause(A))
      assert.is_true(store:pause())
      assert.same({}, claimed(10))
      assert.is_true(assert(store:stats()).paused)
      assert.is_true(store:resume())
      assert.same({ "b1" }, claimed(10))
      assert.is_false(assert(store:stats()).paused)
    end)

    it("may have any characters", function()
      local odd = "a:1;%3A"
      put_all({ "1", odd }, { "2", "a" }, { "3", "a:1" }, { "4", odd })
      for _, name in ipairs { odd, "a:1", "a" } do assert.is_true(store:pause(name)) end
      assert.same({}, claimed(10))
      assert.is_true(store:resume "a")
      assert.same({ "2" }, claimed(10))
      assert.is_true(store:resume "a:1")
      assert.same({ "3" }, claimed(10))
      assert.is_true(store:resume(odd))
      assert.same({ "1", "4" }, claimed(10))
    end)

    it("holds what is behind its entry in a lane, and only that", function()
      put_all({ "a1", A, "x" }, { "b1", B, "x" }, { "b2", B, "y" }, { "a2", A, "y" }, { "b3", B, "y" })
      assert.is_true(store:pause(A))
      local b2 = claim()
      assert.equal("b2", b2.raw)
      assert.is_true(store:complete(b2.id, b2.token))
      assert.same({}, claimed(10))
      assert.is_true(store:resume(A))
      local first, second = claim(), claim()
      assert.same({ "a1", "a2" }, { first.raw, second.raw })
      assert.is_nil(claim())
      assert.is_true(store:complete(first.id, first.token))
      assert.equal("b1", claim().raw)
      assert.is_true(store:complete(second.id, second.token))
      assert.equal("b3", claim().raw)
    end)

    it("has one event of a lane claimed after an older dead letter was redriven", function()
      put_all({ "b1", B, "x" }, { "a1", A, "x" }, { "b2", B, "x" })
      local dead = claim()
      assert.is_true(store:dead_letter(dead.id, dead.token, "x"))
      assert.is_true(store:pause(A))
      assert.is_nil(claim())
      assert.equal(1, store:redrive({}, { limit = 10 }))
      local seen = {}
      local before = #claimed(1)
      assert.is_true(store:resume(A))
      assert.equal(1, before + #claimed(10)) -- b1, or a1, which a store may keep as the current one
      for _ = 1, 10 do
        for _, entry in ipairs(assert(store:list({ state = "claimed" }, { limit = 10 }))) do
          seen[#seen + 1] = entry.raw
          assert.is_true(store:complete(entry.id, entry.token))
        end
        assert.is_true(#assert(store:claim(10, 60)) <= 1)
      end
      table.sort(seen)
      assert.same({ "a1", "b1", "b2" }, seen)
    end)

    it("can be listed, counted and moved like others", function()
      put_all({ "a1", A }, { "b1", B }, { "a2", A })
      assert.is_true(store:pause(A))
      assert.same({ "b1" }, claimed(10))
      assert.same({ "a1", "a2" }, raws_of(assert(store:list({ state = "waiting", type = A }, { limit = 10 }))))
      assert.same({ "a2", "a1" },
        raws_of(assert(store:list({ state = "waiting" }, { limit = 10, newest = true }))))
      assert.equal(2, store:count({ type = A }, {}))
    end)

    it("is claimed in the order of receipt although other entries came in between", function()
      put_all({ "a1", A }, { "b1", B }, { "a2", A }, { "b2", B }, { "n" }, { "a3", A })
      assert.is_true(store:pause(A))
      assert.same({ "b1" }, claimed(1))
      assert.is_true(store:resume(A))
      for _, raw in ipairs { "a1", "a2", "b2" } do assert.same({ raw }, claimed(1)) end
      assert.same({ "n", "a3" }, claimed(10))
    end)

    it("waits behind a retry's delay and an expired lease, too", function()
      put_all({ "a1", A }, { "a2", A })
      local first = claim()
      assert.equal("a2", claim(0.01).raw)
      assert.is_true(store:retry(first.id, first.token, 0.01, "x"))
      assert.is_true(store:pause(A))
      wait_for(function()
        assert.is_nil(claim())
        return count "waiting" == 2
      end, "the lease's end")
      assert.is_nil(claim())
      assert.is_true(store:resume(A))
      local raws = { claim_soon().raw, claim_soon().raw } -- in the order in which they are due
      table.sort(raws)
      assert.same({ "a1", "a2" }, raws)
    end)
  end)

  describe("a pause with probes", function()
    it("lets one entry through each time, until a probe has succeeded", function()
      put_all({ "a1", A }, { "a2", A }, { "b1", B })
      assert.is_true(store:pause(A, 60, "the database is unavailable"))
      local shown = assert(another():stats()).paused_types[1]
      assert.equal("the database is unavailable", shown.reason)
      assert.is_true(shown.probe_in > 0 and shown.probe_in <= 60)
      assert.same({ "b1" }, claimed(10))
      assert.is_true(store:pause(A, 0.01, "the database is unavailable"))
      local probe = claim_soon()
      assert.equal("a1", probe.raw)
      assert.equal(0.01, probe.probe)
      assert.is_nil(claim())
      assert.is_true(assert(store:stats()).paused_types[1].probe_in > 50) -- until the probe's lease has expired
      assert.is_true(store:retry(probe.id, probe.token, 60, "still away"))
      assert.is_true(store:pause(A, 0.05, "still away"))
      probe = claim_soon()
      assert.equal("a2", probe.raw)
      assert.is_true(store:complete(probe.id, probe.token))
      assert.is_true(store:resume(A, true))
      assert.is_false(store:resume(A, true))
      put_all({ "a3", A })
      assert.is_nil(claim().probe)
    end)

    it("lets one entry through in a claim of several, beside those of other types", function()
      put_all({ "a1", A }, { "a2", A }, { "b1", B }, { "w1", "widget" })
      assert.is_true(store:pause(A, 0.01))
      assert.is_true(store:pause(B, 0.01))
      wait_for(function()
        local types = assert(store:stats()).paused_types
        return types[1].probe_in == 0 and types[2].probe_in == 0
      end, "two probes")
      local entries = assert(store:claim(10, 60))
      assert.same({ "a1", "b1", "w1" }, raws_of(entries))
      assert.same({ 0.01, 0.01 }, { entries[1].probe, entries[2].probe })
      assert.is_nil(entries[3].probe)
      assert.same({}, claimed(10))
    end)

    it("lets another entry through when the lease of the probe has expired", function()
      put_all({ "a1", A }, { "a2", A })
      assert.is_true(store:pause(A, 0.01))
      assert.equal("a1", claim_soon(0.05).raw)
      assert.same({ "a1", 0.01 }, (function(entry) return { entry.raw, entry.probe } end)(claim_soon()))
    end)

    it("lets no other entry through while the lease of the probe is renewed", function()
      put_all({ "a1", A }, { "a2", A })
      assert.is_true(store:pause(A, 0.01))
      local probe = claim_soon(60)
      assert.is_true(store:extend(probe.id, probe.token, 6000, A))
      assert.is_true(assert(store:stats()).paused_types[1].probe_in > 5000)
      assert.is_true(store:extend(probe.id, probe.token, 60, A))
      assert.is_true(assert(store:stats()).paused_types[1].probe_in > 5000)
      assert.is_true(store:resume(A))
      assert.is_true(store:pause(A))
      assert.is_true(store:extend(probe.id, probe.token, 60, A))
      assert.is_nil(assert(store:stats()).paused_types[1].probe_in)
      assert.is_false(store:extend(probe.id, probe.token + 1, 60, A))
    end)

    it("does not return with a probe that fails after it was resumed", function()
      put_all({ "a1", A })
      assert.is_true(store:pause(A, 0.01))
      assert.is_truthy(claim_soon())
      assert.is_true(store:pause(A, 60, "the probe has failed", true))
      assert.equal("the probe has failed", assert(store:stats()).paused_types[1].reason)
      assert.is_true(store:resume(A))
      assert.is_false(store:pause(A, 60, "the probe has failed", true))
      assert.same({}, paused_types())
    end)

    it("does not replace or end an operator's pause", function()
      put_all({ "a1", A })
      assert.is_true(store:pause(A))
      assert.is_false(store:pause(A, 0.001))
      assert.is_false(store:resume(A, true))
      assert.is_nil(claim())
      assert.is_true(store:resume(A))
      assert.is_true(store:pause(A, 0.001))
      assert.is_true(store:pause(A))
      assert.is_nil(assert(store:stats()).paused_types[1].probe_in)
      assert.is_nil(claim())
    end)

    it("lets nothing through while a pattern of an operator matches, or a limit is reached", function()
      put_all({ "a1", A })
      assert.is_true(store:pause(A, 0.001))
      assert.is_true(store:pause "video.*")
      wait_for(function() return assert(store:stats()).paused_types[2].probe_in == 0 end, "the probe")
      assert.is_nil(claim())
      assert.is_true(store:resume "video.*" and store:pause(A, 0.001))
      wait_for(function() return assert(store:stats()).paused_types[1].probe_in == 0 end, "the probe")
      assert.same({}, claimed(1, A, 0))
      assert.same({ "a1" }, claimed(1, A, 1))
    end)
  end)

  describe("a claim with limits", function()
    it("has at most so many entries of a type or pattern; the first limit that matches applies", function()
      put_all({ "a1", A }, { "a2", A }, { "b1", B }, { "n" }, { "b2", B }, { "a3", A }, { "w", "widget" }, { "b3", B })
      assert.same({ "a1", "b1", "n", "b2", "w" }, claimed(10, A, 1, "video.*", 2))
      assert.same({ "a2" }, claimed(1, A, 1))
      assert.same({}, claimed(10, "video.*", 0))
      assert.same({ "a3", "b3" }, claimed(10))
    end)

    it("passes a backlog of other types, and each claim looks at a part of it", function()
      local items = {}
      for i = 1, 1200 do items[i] = item { key = "a" .. i, raw = ("a%d"):format(i), type = A } end
      items[1201] = item { key = "b", raw = "b", type = B }
      assert(store:put(items, WINDOW))
      local calls, entries, more = 0
      repeat
        entries, more = store:claim(1, 60, { { type = A, count = 0 } })
        calls = calls + 1
      until entries[1] or not more
      assert.equal("b", entries[1].raw)
      assert.is_true(calls <= 4, calls)
      assert.same({ "a1", "a2" }, claimed(2))
      assert.equal(1198, assert(store:stats()).waiting)
    end)
  end)
end
