-- Protected calls in tasks that are dropped while they wait.

local protected = require "apivideo.util.pcall"

describe("a task that is dropped inside of protected calls", function()
  it("is collected", function()
    local seen = setmetatable({}, { __mode = "k" })
    do
      local task = coroutine.create(function()
        protected.call(protected.xpcall, function()
          seen[coroutine.running()] = true
          coroutine.yield()
        end, print)
      end)
      assert.is_true(coroutine.resume(task))
      seen[task] = true
    end
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(next(seen))
  end)
end)
