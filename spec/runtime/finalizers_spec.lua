-- Finalizers that run the loop while a wait begins: what the loop has read before an allocation may have changed.

local finalizer = require "spec.support.finalizer"
local runtime = require "apivideo.runtime"

describe("a wait during which finalizers run the loop", function()
  it("ends when its latch opens as it begins", function()
    local latch, left
    local runs = finalizer.stress(function()
      left = left - 1
      if left <= 0 then latch:open(true) end -- at any of the allocations
      runtime.sleep(0)
    end, function(attack)
      for i = 1, 120 do
        latch, left = runtime.latch(), i % 60
        runtime.spawn(function()
          runtime.sleep(0.001)
          latch:open(true)
        end)
        assert.is_true(attack(latch.wait, latch, 1))
      end
    end)
    assert.is_true(runs > 0)
  end)

  it("ends in a task, too", function()
    local latch, left
    local runs = finalizer.stress(function()
      left = left - 1
      if left <= 0 then latch:open(true) end
    end, function(attack)
      runtime.run(function()
        for i = 1, 120 do
          latch, left = runtime.latch(), i % 60
          runtime.spawn(function()
            runtime.sleep(0.001)
            latch:open(true)
          end)
          assert.is_true(attack(latch.wait, latch, 1))
        end
      end)
    end)
    assert.is_true(runs > 0)
  end)

  it("keeps the order of other waits", function()
    local ended = {}
    for i = 1, 5 do
      runtime.spawn(function()
        runtime.sleep(0.05 * i)
        ended[#ended + 1] = i
      end)
    end
    runtime.pass()
    local runs = finalizer.stress(function() runtime.sleep(0.001) end, function(attack)
      for _ = 1, 200 do attack(runtime.sleep, 0.001) end
    end)
    assert.is_true(runs > 0)
    runtime.sleep(0.3)
    assert.same({ 1, 2, 3, 4, 5 }, ended)
  end)
end)
