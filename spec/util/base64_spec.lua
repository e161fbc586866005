local base64 = require "apivideo.util.base64"
local core = require "apivideo.core"

describe("base64", function()
  it("decodes the vectors of RFC 4648", function()
    for text, bytes in pairs { [""] = "", ["Zg=="] = "f", ["Zm8="] = "fo", ["Zm9v"] = "foo", ["Zm9vYg=="] = "foob",
      ["Zm9vYmE="] = "fooba", ["Zm9vYmFy"] = "foobar", ["+/+/"] = "\251\255\191" } do
      assert.equal(bytes, base64.decode(text))
    end
  end)

  it("decodes what the core encodes", function()
    for length = 0, 256 do
      local bytes = core.random(length)
      assert.equal(bytes, base64.decode(core.base64(bytes)))
    end
  end)

  it("rejects anything else", function()
    for _, text in ipairs { "Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v=", "Zm9vZg==Zg==", "Zm9v\n", " Zm9v", "Zm9-",
      "Zm9_", "Zm\0v" } do
      assert.is_nil(base64.decode(text))
    end
  end)
end)
