local excerpt = require "apivideo.util.excerpt"

describe("an excerpt", function()
  it("is a text of up to 80 bytes, or its first 80 bytes with a mark", function()
    for _, text in ipairs { "", "video.created", ("x"):rep(80) } do assert.equal(text, excerpt(text)) end
    assert.equal(("x"):rep(80) .. "…", excerpt(("x"):rep(81)))
    assert.equal(("я"):rep(40) .. "…", excerpt(("я"):rep(41)))
    assert.equal("x" .. ("я"):rep(39) .. "…", excerpt("x" .. ("я"):rep(40)))
    assert.equal("…", excerpt(("\128"):rep(81)))
    assert.equal(#("x"):rep(80) + #"…", #excerpt(("x"):rep(1e6)))
  end)
end)
