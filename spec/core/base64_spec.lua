local base64 = require("apivideo.core").base64

describe("base64", function()
  it("has the test vectors of RFC 4648, section 10", function()
    for bytes, encoded in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
      fooba = "Zm9vYmE=", foobar = "Zm9vYmFy" } do
      assert.equal(encoded, base64(bytes))
    end
  end)

  it("takes any byte", function()
    assert.equal("AP/7/g==", base64("\0\255\251\254"))
  end)

  it("takes 1 MiB, and rejects more", function()
    assert.equal((2 ^ 20 + 2) / 3 * 4, #base64(("x"):rep(2 ^ 20)))
    assert.has_error(function() base64(("x"):rep(2 ^ 20 + 1)) end)
  end)
end)
