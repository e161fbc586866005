local url = require "apivideo.util.url"

describe("url", function()
  it("writes and reads queries", function()
    assert.equal("a=1&b%5Bc%5D=x%20%26%C3%A9", url.encode_query { a = 1, ["b[c]"] = "x &\195\169" })
    assert.equal("", url.encode_query {})
    assert.same({ ["b[c]"] = "x &\195\169" }, url.decode_query(url.encode_query { ["b[c]"] = "x &\195\169" }))
    assert.same({ "/a", "b?c" }, { url.split "/a?b?c" })
    assert.same({ "/a", "" }, { url.split "/a" })
  end)

  it("reads hosts and ports", function()
    local function check(text, host, port) assert.same({ host, port }, { url.address(text) }) end
    check("https://ws.api.video/videos?a=b:1", "ws.api.video", 443)
    check("http://127.0.0.1:8100/x:9", "127.0.0.1", 8100)
    check("http://user:word@example.com", "example.com", 80)
    check("https://[::1]", "::1", 443)
    check("https://[::1]:8443/", "::1", 8443)
    check("HTTPS://example.com:/", "example.com", 443)
  end)
end)
