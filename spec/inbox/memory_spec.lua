local conformance = require "spec.support.inbox_conformance"
local core = require "apivideo.core"
local memory = require "apivideo.inbox.memory"

conformance("memory", { open = function() return memory() end, volatile = true })

describe("inbox store memory", function()
  it("has one event of a lane claimed when the old lease of a redriven dead letter would have expired", function()
    local store, monotonic, skipped = memory(), core.monotonic, 0
    core.monotonic = function() return monotonic() + skipped end
    local ok, problem = pcall(function()
      for i = 1, 2 do
        assert(store:put({ { key = "a" .. i, raw = "a" .. i, lane = "a", verified = true, received_at = 1 } }, 20))
      end
      local first = assert(store:claim(1, 600))[1]
      assert.is_true(store:dead_letter(first.id, first.token, "x"))
      assert.equal("a2", assert(store:claim(1, 6000))[1].raw)
      assert.equal(1, store:redrive({}, { limit = 1000 }))
      skipped = 1000
      assert.same({}, store:claim(1, 60))
    end)
    core.monotonic = monotonic
    assert(ok, problem)
  end)

  it("finds nothing for an id to which a loop cannot add 1", function()
    local store = memory()
    assert(store:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20))
    for _, id in ipairs { 2, 2 ^ 53, 1e300 } do
      assert.same({}, (store:list({ id = id }, { limit = 1 })))
      assert.equal(0, (store:count({ id = id }, { limit = 1 })))
    end
    assert.equal(1, #store:list({ id = 1 }, { limit = 1 }))
  end)

  it("has no options, and is volatile according to tostring", function()
    assert.error_matches(function() memory { path = "x" } end, "unknown option \"path\"")
    assert.truthy(tostring(memory()):find("volatile", 1, true))
  end)
end)
