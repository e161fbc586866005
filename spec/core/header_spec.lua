local header = require("apivideo.core").header

local LOWER = {} -- bytes of A to Z -> those of a to z
for byte = 65, 90 do LOWER[byte] = byte + 32 end

describe("header", function()
  it("finds a name in any case, and no other name", function()
    local list = { ["X-Api-Video-Signature"] = "1", ["x-api-video-signatur"] = "2", ["x-api-video-signature2"] = "3" }
    assert.same({ "1", 1 }, { header(list, "x-api-video-signature") })
    assert.same({ "1", 1 }, { header(list, "X-API-VIDEO-SIGNATURE") })
    assert.same({ "2", 1 }, { header(list, "x-api-video-signatur") })
    local value, count = header(list, "x")
    assert.same({ nil, 0 }, { value, count })
  end)

  it("counts the values of all spellings and lists", function()
    local value, count = header({ ["X-A"] = "1", ["x-a"] = "1", ["x-A"] = { "1", "1" }, ["X-a"] = {} }, "x-a")
    assert.same({ "1", 4 }, { value, count })
    assert.same({ "1", 2 }, { header({ ["x-a"] = { "1", "2" } }, "x-a") })
    assert.same({ "0", 2 }, { header({ ["x-a"] = { [0] = "0", "1" } }, "x-a") })
    assert.same({ "0", 1 }, { header({ ["x-a"] = { [0] = "0" } }, "x-a") })
    assert.same({ nil, 0 }, { header({ ["x-a"] = {} }, "x-a") })
  end)

  it("returns a value of any type", function()
    for _, each in ipairs { true, false, 1, print } do assert.same({ each, 1 }, { header({ A = each }, "a") }) end
  end)

  it("ignores keys that are not strings", function()
    local list = { "a", [12] = "b", [1.5] = "c", [true] = "d", [print] = "e", ["12"] = "f", a = "g" }
    assert.same({ "g", 1 }, { header(list, "a") })
    assert.same({ "f", 1 }, { header(list, "12") })
    assert.equal("b", list[12])
  end)

  it("runs no metamethod", function()
    local function fail() error "a metamethod runs" end
    local metatable = { __index = fail, __len = fail, __pairs = fail, __eq = fail }
    local list = setmetatable({ A = setmetatable({ "1" }, metatable) }, metatable)
    assert.same({ "1", 1 }, { header(list, "a") })
  end)

  it("folds the letters A to Z only", function()
    for byte = 0, 255 do
      local list = { ["x" .. string.char(byte)] = "1" }
      for _, other in ipairs { byte, LOWER[byte] or byte, (byte + 32) % 256, (byte + 224) % 256 } do
        local is_equal = other == byte or LOWER[other] == byte or LOWER[byte] == other
        local _, count = header(list, "x" .. string.char(other))
        assert(count == (is_equal and 1 or 0), byte) -- not assert.equal, which is too slow under valgrind
      end
    end
  end)

  it("raises an error without a table or a name", function()
    for _, list in ipairs { "a", 1, true, print } do assert.has_error(function() header(list, "a") end) end
    assert.has_error(function() header({}, {}) end)
    assert.has_error(function() header {} end)
    assert.has_error(function() header() end)
  end)
end)
