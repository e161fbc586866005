local conformance = require "spec.support.inbox_conformance"
local memory = require "apivideo.inbox.memory"

conformance("memory", { open = function() return memory() end, volatile = true })

describe("inbox store memory", function()
  it("takes no options, and says that it is volatile", function()
    assert.error_matches(function() memory { path = "x" } end, "unknown option \"path\"")
    assert.truthy(tostring(memory()):find("volatile", 1, true))
  end)
end)
