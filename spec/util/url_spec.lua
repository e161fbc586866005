local url = require "apivideo.util.url"

describe("url", function()
  it("writes and reads queries", function()
    assert.equal("a=1&b%5Bc%5D=x%20%26%C3%A9", url.encode_query { a = 1, ["b[c]"] = "x &\195\169" })
    assert.equal("", url.encode_query {})
    assert.same({ ["b[c]"] = "x &\195\169" }, url.decode_query(url.encode_query { ["b[c]"] = "x &\195\169" }))
    assert.same({ "/a", "b?c" }, { url.split "/a?b?c" })
    assert.same({ "/a", "" }, { url.split "/a" })
  end)
end)
