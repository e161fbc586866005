local utf8 = require "apivideo.util.utf8"

describe("UTF-8", function()
  it("is shortened to whole characters", function()
    local text = "a\195\164\226\130\172\240\159\152\128"
    local beginnings = { [0] = "", "a", "a", "a\195\164", "a\195\164", "a\195\164", "a\195\164\226\130\172" }
    for length, expected in pairs(beginnings) do assert.equal(expected, utf8.shortened(text, length)) end
    assert.equal("a\195\164\226\130\172", utf8.shortened(text, 9))
    assert.equal(text, utf8.shortened(text, 10))
    assert.equal(text, utf8.shortened(text, 11))
  end)

  it("that is malformed is shortened by at most three bytes more", function()
    assert.equal(7, #utf8.shortened(("\128"):rep(50), 10))
  end)
end)
