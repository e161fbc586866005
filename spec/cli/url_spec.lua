local url = require "apivideo.cli.url"

describe("cli.url", function()
  it("accepts http and https in any case", function()
    for _, text in ipairs { "http://127.0.0.1:1/", "HTTPS://h", "http://u:p@h:8080/x?y#z", "http://u:p%40@h/@x" } do
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
      ["http://127.0.0.1:99999/"] = "must have a port from 1 to 65535 after the host",
      ["http://a..b/"] = "has a host with an empty part: 'a..b'",
      ["http://[zz]/"] = "has no IPv6 address between the brackets of '[zz]'",
      [""] = "is empty; check that the variable it is read from is set",
    } do
      local value, problem = url.new "--to"(text)
      assert.is_nil(value)
      assert.equal("--to " .. expected, problem)
    end
  end)

  local function assert_hidden(new, text)
    local value, problem = new "--to"(text)
    assert.is_nil(value)
    assert.is_nil(problem:lower():find "z" or problem:find "Q", problem)
    return problem
  end

  it("prints no part of a password of a URL that it rejects", function()
    for _, text in ipairs { "http://user:Zz/Qqw@h", "http://u:ZzQq/w@h", "http://u%3AZzQqw%40x", "http://u%3AZzQqw",
      "http://u:ZzQq", "http://u:ZzQqw@", "u:Zz/Qqw@h", "u:ZzQq", "ftp://u:ZzQq@h", "ftp://u:Zz/Qq@h", "ftp://u:ZzQq",
      "http:u:Zz/Qq@h", "http://u:Zz Qq@h", "http://u:x/Zz Qq", "http://:ZzQq", "http://u:Z#z..Qq@h", "//u:ZzQq" } do
      assert_hidden(url.new, text)
    end
  end)

  it("says how to write a password", function()
    for text, shown in pairs { ["http://u:Zz/Qqw@h"] = "h", ["http://u%3AZzQqw%40x/y"] = "x/y",
      ["http://u:Zz Qq@h"] = "h" } do
      assert.equal(("--to must be an http or https URL, got '***@%s'; in a user or a password, write @ as %%40,"
        .. " : as %%3A, / as %%2F, ? as %%3F, # as %%23 and %% as %%25"):format(shown), assert_hidden(url.new, text))
    end
  end)

  it("rejects a base URL with its fault, and the way to give a key", function()
    local user = "must not contain a user or a password; give the key with --api-key or APIVIDEO_API_KEY"
    for text, expected in pairs {
      ["http://u:ZzQqw@h"] = user, ["http://u:Zz/Qqw@h"] = "must be an http or https URL, got '***@h'; it " .. user,
      ["http://127.0.0.1:9/?x=1"] = "must not contain a query or a fragment; remove what begins with ? or #",
    } do
      assert.equal("--to " .. expected, assert_hidden(url.new_base, text))
    end
    assert.equal("HTTP://h:1/x", url.new_base "--to" "HTTP://h:1/x")
  end)
end)
