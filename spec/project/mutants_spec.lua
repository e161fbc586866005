-- `make check-mutants` applies the mutants. This spec only checks that they still match the source.

local file = require "spec.support.file"

local mutants = dofile "spec/mutants/list.lua"

describe("mutants", function()
  it("replace a text that occurs exactly once in its file", function()
    for _, mutant in ipairs(mutants) do
      local where = mutant.file .. ": " .. mutant.what
      local text = file.read(mutant.file)
      local _, last = text:find(mutant.from, 1, true)
      assert(last, where .. ": the text is not there")
      assert.is_nil(text:find(mutant.from, last + 1, true), where .. ": the text occurs twice")
      assert.not_equal(mutant.from, mutant.to, where)
    end
  end)

  it("name a spec file that exists", function()
    for _, mutant in ipairs(mutants) do
      for path in mutant.spec:gmatch "%S+" do assert.not_equal("", file.read(path)) end
    end
  end)
end)
