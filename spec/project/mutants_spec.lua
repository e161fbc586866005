-- `make check-mutants` breaks each check in turn; here only that its changes still fit the code.

local file = require "spec.support.file"

local mutants = dofile "spec/mutants/list.lua"

describe("each mutant", function()
  it("changes a text that its file has once", function()
    for _, mutant in ipairs(mutants) do
      local where = mutant.file .. ": " .. mutant.what
      local text = file.read(mutant.file)
      local _, last = text:find(mutant.from, 1, true)
      assert(last, where .. ": the text is not there")
      assert.is_nil(text:find(mutant.from, last + 1, true), where .. ": the text is there twice")
      assert.not_equal(mutant.from, mutant.to, where)
    end
  end)

  it("has a spec that is to notice it", function()
    for _, mutant in ipairs(mutants) do
      for path in mutant.spec:gmatch "%S+" do assert.not_equal("", file.read(path)) end
    end
  end)
end)
