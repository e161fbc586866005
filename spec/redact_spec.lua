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

  it("is quick with long bodies that would be slow to search", function()
    local long = ("\\"):rep(200000)
    assert.equal('{"apiKey":"***', redact.text('{"apiKey":"' .. long))
    assert.equal('"apiKey' .. long, redact.text('"apiKey' .. long))
    assert.equal(2000000, #redact.text(('"a'):rep(1000000)))
  end)
end)
