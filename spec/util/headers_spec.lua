local headers = require "apivideo.util.headers"

describe("headers", function()
  it("are found in any case, and counted", function()
    assert.same({ "1", 1 }, { headers.get({ ["X-A"] = "1" }, "x-a") })
    assert.same({ "1", 2 }, { headers.get({ ["x-a"] = { "1", "2" } }, "x-a") })
    assert.same({ nil, 0 }, { headers.get({ [1] = "x" }, "x-a") })
    local any = headers.any_case { ["x-a"] = "1", ["x-b"] = { "2", "3" } }
    assert.equal("1", any["X-A"])
    assert.is_nil(any["X-C"])
    assert.is_nil(any[1])
    assert.same({ "2", 2 }, { headers.get(any, "x-b") })
  end)

  it("are found in capitals when string.lower follows a locale such as tr_TR", function()
    local lower = string.lower
    string.lower = function(text) return (lower(text):gsub("i", "I")) end -- luacheck: ignore
    local value, count = headers.get({ ["X-API-VIDEO-WEBHOOKID"] = "1" }, "x-api-video-webhookid")
    local any = headers.any_case({ ["x-id"] = "2" })["X-ID"]
    local lines = headers.lines({ ["X-ID"] = "3" }, { ["x-id"] = "4" })
    string.lower = lower -- luacheck: ignore
    assert.same({ "1", 1, "2", { "x-id: 4" } }, { value, count, any, lines })
  end)

  it("are passed on without those about one connection", function()
    local list = { Connection = "X-Trace , close", ["x-trace"] = "1", ["Keep-Alive"] = "5", host = "h", ["x-b"] = "3",
      ["x-a"] = { "2", "1" }, ["Transfer-Encoding"] = "chunked", ["content-length"] = "7", ["content-type"] = "text/a" }
    assert.same({ "content-type: text/a", "x-a: 1", "x-a: 2", "x-b: 3" }, headers.forwarded(list))
    assert.equal(10, #headers.sorted(list))
  end)
end)
