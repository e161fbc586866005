local url = require "apivideo.cli.url"

describe("cli.url", function()
  it("accepts http and https in any case", function()
    for _, text in ipairs { "http://127.0.0.1:1/", "HTTPS://h", "http://u:p@h:8080/x?y#z" } do
      assert.equal(text, url.new "--to"(text))
    end
  end)

  it("rejects a URL that cannot be one, and suggests a valid one", function()
    for text, expected in pairs {
      ["localhost:8080/x"] = "must begin with http:// or https://; did you mean http://localhost:8080/x?",
      ["http:/localhost/x"] = "must begin with http:// or https://; did you mean http://localhost/x?",
      ["HTTPS:localhost"] = "must begin with http:// or https://; did you mean https://localhost?",
      ["//localhost/x"] = "must begin with http:// or https://; did you mean http://localhost/x?",
      ["ftp://x"] = "must begin with http:// or https://, got 'ftp://x';"
        .. " write, for example, --to http://127.0.0.1:8080/",
      ["http://"] = "must name a host, got 'http://'; write, for example, --to http://127.0.0.1:8080/",
      ["/x"] = "must begin with http:// or https://, got '/x'; write, for example, --to http://127.0.0.1:8080/",
      ["http://x/a b"] = "must not contain whitespace or control characters, got 'http://x/a b'; write %20 for a space",
      ["http://127.0.0.1:99999/"] = "must have a port from 1 to 65535 after the host, got '99999'",
      ["http://a..b/"] = "has a host with an empty part: 'a..b'",
      ["http://[zz]/"] = "has no IPv6 address between the brackets of '[zz]'",
      [""] = "is empty; check that the variable it is read from is set",
    } do
      local value, problem = url.new "--to"(text)
      assert.is_nil(value)
      assert.equal("--to " .. expected, problem)
    end
  end)
end)
