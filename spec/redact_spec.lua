-- What no person and no log may see, taken out of texts.

local redact = require "apivideo.redact"

describe("redaction", function()
  it("leaves alone what is no secret", function()
    for _, text in ipairs { "", "streamKey", '{"title":"streamKey"}', '{"name":"x","value":"streamKey=1"}',
      "https://host/path?name=streamKey&x=1", '{"keys":["apiKey"]}', "a basics course", '"apiKey":5,"b":"c"',
      '{"other":"\\"","next":"shown"}' } do
      assert.equal(text, redact.text(text))
    end
  end)

  it("takes members of JSON out, and nothing after them", function()
    for text, expected in pairs {
      [ [[{"apiKey":"x","b":"c"}]] ] = [[{"apiKey":"***","b":"c"}]],
      [ [[{"apiKey":"x\\","b":"c"}]] ] = [[{"apiKey":"***","b":"c"}]],
      [ [[{"apiKey":"x\"y","b":"c"}]] ] = [[{"apiKey":"***","b":"c"}]],
      [ [[{"apiKey":"","b":"c"}]] ] = [[{"apiKey":"***","b":"c"}]],
      [ [[{"apiKey":"a\"streamKey\":\"b\" s","x":1}]] ] = [[{"apiKey":"***","x":1}]],
      [ [[{"d":"{\"streamKey\":\"s\",\"a\":1}","e":2}]] ] = [[{"d":"{\"streamKey\":\"***\",\"a\":1}","e":2}]],
      [ [[{"d":"{\"streamKey\":\"\",\"a\":1}","e":2}]] ] = [[{"d":"{\"streamKey\":\"***\",\"a\":1}","e":2}]],
      [ [[{"d":"{\"streamKey\":\"s\\\"t\\\\\",\"a\":1}","e":2}]] ] = [[{"d":"{\"streamKey\":\"***\",\"a\":1}","e":2}]],
      [ [["{\"a\":\"{\\\"apiKey\\\":\\\"s\\\",\\\"b\\\":1}\"}"]] ] =
        [["{\"a\":\"{\\\"apiKey\\\":\\\"***\\\",\\\"b\\\":1}\"}"]],
    } do
      assert.equal(expected, redact.text(text))
    end
  end)

  it("takes parameters out of URLs", function()
    assert.equal("GET /x?streamKey=***&a=b", redact.text("GET /x?streamKey=a%20b&a=b"))
    assert.equal("/x?a=b&access_token=***#c", redact.text("/x?a=b&access_token=abc#c"))
    assert.equal('"/x?refresh_token=***"', redact.text('"/x?refresh_token=abc"'))
  end)

  it("takes several secrets out, whatever characters they have", function()
    assert.equal("*** *** c", redact.text("a%d.+key b-[x]-key c", { "a%d.+key", "b-[x]-key" }))
  end)

  it("takes secrets out as they stand in URLs and in JSON", function()
    local key = "a/key+\"1\\b"
    for _, form in ipairs { key, "a%2Fkey%2B%221%5Cb", "a%2fkey%2b%221%5cb", 'a/key+\\"1\\\\b', 'a\\/key+\\"1\\\\b',
      'a\\\\\\/key+\\\\\\"1\\\\\\\\b' } do
      assert.equal("<***>", redact.text("<" .. form .. ">", key))
    end
    for _, other in ipairs { "pa\\\\ss", "ab\0cd", "\0\0\0\0" } do
      assert.equal("<***>", redact.text("<" .. other .. ">", other))
    end
  end)

  it("takes passwords out of URLs, whatever signs they have, and in JSON", function()
    assert.equal("http://me:***@host/a@b", redact.text("http://me:a:b@c@host/a@b"))
    assert.equal('{"url":"http:\\/\\/me:***@host\\/"}', redact.text('{"url":"http:\\/\\/me:word@host\\/"}'))
    for _, text in ipairs { '{"a":"http://host:80","b":"x@y"}', "http://host/a:b@c", "at http://host:80 by x@y" } do
      assert.equal(text, redact.text(text))
    end
  end)

  it("takes credentials out, however they are written", function()
    assert.equal("BASIC *** bearer ***", redact.text("BASIC abc= bearer a.b"))
    assert.equal([["Basic ***","Bearer ***\"]], redact.text([["Basic ab\/cd==","Bearer e.f\/g\"]]))
    assert.equal("Basic authentication", redact.text("Basic authentication"))
  end)

  it("is quick with long bodies that would be slow to search", function()
    local long = ("\\"):rep(200000)
    assert.equal(long, redact.text(long, "/key/"))
    assert.equal('{"apiKey":"***', redact.text('{"apiKey":"' .. long))
    assert.equal('"apiKey' .. long, redact.text('"apiKey' .. long))
    assert.equal(2000000, #redact.text(('"a'):rep(1000000)))
  end)
end)
