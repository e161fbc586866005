local compile = require "spec.support.compile"
local shell = require "apivideo.util.shell"

describe("a word of a shell", function()
  it("has the bytes of the text, whatever they mean to the shell", function()
    for _, text in ipairs { "", "plain", "it's", "'", "a b", "$(id) `id` \\ \" ! * ~ # & ; |", "a\nb", "\195\169" } do
      assert.equal(text, compile.run("printf %s " .. shell.quote(text)))
    end
    assert.equal([['it'\''s']], shell.quote "it's")
  end)

  it("that is a path is no option", function()
    assert.equal([['./-rf' 'a/-b' 'it'\''s']], shell.paths { "-rf", "a/-b", "it's" })
  end)
end)
