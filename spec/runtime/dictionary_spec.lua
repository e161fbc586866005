local dictionary = require "apivideo.runtime.dictionary"
local runtime = require "apivideo.runtime"

describe("dictionary", function()
  local clock = runtime.monotonic
  local dict, ahead

  before_each(function()
    dict, ahead = dictionary.new(), 0
    runtime.monotonic = function() return clock() + ahead end
  end)

  after_each(function() runtime.monotonic = clock end)

  it("stores any value, also false, until it is deleted", function()
    for _, value in ipairs { "text", 5, true, false } do
      dict:set("key", value)
      assert.equal(value, dict:get("key"))
    end
    dict:delete("key")
    assert.is_nil(dict:get("key"))
  end)

  it("does not return expired values", function()
    dict:set("short", 1, 10)
    dict:set("long", 2, 20)
    dict:set("for ever", 3, 0)
    ahead = 15
    assert.is_nil(dict:get("short"))
    assert.equal(2, dict:get("long"))
    dict:set("long", 4) -- now without an end
    ahead = 1e9
    assert.equal(4, dict:get("long"))
    assert.equal(3, dict:get("for ever"))
  end)

  it("adds only missing keys", function()
    assert.is_true(dict:add("key", false, 10))
    assert.same({ false, "exists" }, { dict:add("key", 2, 10) })
    assert.is_false(dict:get("key"))
    ahead = 11
    assert.is_true(dict:add("key", 3))
    assert.equal(3, dict:get("key"))
  end)

  it("counts", function()
    assert.same({ nil, "not found" }, { dict:incr("key", 1) })
    assert.equal(8, dict:incr("key", 1, 7, 10))
    assert.equal(5, dict:incr("key", -3, 7, 10))
    ahead = 11 -- from the first on
    assert.equal(1, dict:incr("key", 1, 0))
  end)

  it("removes expired values", function()
    for i = 1, 5000 do
      dict:set("key" .. i, true, 1)
      ahead = i
    end
    local count = 0
    for _ in pairs(dict.values) do count = count + 1 end
    for _ in pairs(dict.expires) do count = count + 1 end
    assert.is_true(count < 2500, count)
  end)

  it("looks for expired values less often, the more it has", function()
    local calls, additions = 0, 100000
    runtime.monotonic = function()
      calls = calls + 1
      return clock()
    end
    for i = 1, additions do dict:set("key" .. i, true, 3600) end
    assert.is_true(calls - additions < 10, calls) -- one call for each addition, and one for each sweep
  end)
end)
