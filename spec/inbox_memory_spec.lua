local conformance = require "spec.support.inbox_conformance"
local memory = require "apivideo.inbox.memory"

-- The other stores do not distinguish a drop by the window from a plain duplicate yet.
local function open()
  local store = memory()
  local put = store.put
  function store.put(...)
    local results, err = put(...)
    for i, result in ipairs(results or {}) do results[i] = result == true end
    return results, err
  end
  return store
end

conformance("memory", { open = open, volatile = true })

describe("inbox store memory", function()
  it("takes no options, and says that it is volatile", function()
    assert.error_matches(function() memory { path = "x" } end, "unknown option \"path\"")
    assert.truthy(tostring(memory()):find("volatile", 1, true))
  end)
end)
