-- `make check-mutants` applies the mutants. This spec only checks that they still match the source.

local file = require "spec.support.file"
local temporary = require "spec.support.temporary"

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

-- The runner, on a tree of one module and one spec, which needs no build.
if _VERSION == "Lua 5.4" then -- the version under which it runs specs
  describe("the runner of mutants #process", function()
    local tree

    before_each(function()
      tree = temporary.directory()
      assert(os.execute(("mkdir -p %s/spec/mutants && ln -s $PWD/tools $PWD/lua %s && ln -s $PWD/spec/support %s/spec")
        :format(tree, tree, tree)))
      file.write(tree .. "/Makefile", "build-%: ;\n")
      file.write(tree .. "/spec/mutants/run.lua", file.read "spec/mutants/run.lua")
      file.write(tree .. "/count.lua", "local n = 0\nwhile n < 3 do n = n + 1 end\nreturn n\n")
      file.write(tree .. "/count_spec.lua", 'it("counts", function() assert.equal(3, dofile "count.lua") end)\n')
    end)

    after_each(function() os.execute("rm -rf " .. tree) end)

    -- What it prints for a change of count.lua.
    local function run(from, to)
      file.write(tree .. "/spec/mutants/list.lua",
        ('return { { file = "count.lua", spec = "count_spec.lua", what = "a change", from = %q, to = %q } }')
          :format(from, to))
      local pipe = assert(io.popen(("cd %s && MUTANTS= lua5.4 spec/mutants/run.lua 0 1 2>&1"):format(tree)))
      local output = pipe:read "*a"
      pipe:close()
      return output
    end

    it("kills a mutant whose spec fails, and one whose spec does not end", function()
      assert.equal("killed   count.lua: a change\ntotal: 1 passed, 0 failed\n", run("n < 3", "n < 2"))
      assert.equal("timeout  count.lua: a change\ntotal: 1 passed, 0 failed\n", run("n + 1", "n + 0"))
    end)

    it("reports a mutant that survives", function()
      assert.equal("SURVIVED count.lua: a change\n         count_spec.lua passes\ntotal: 0 passed, 1 failed\n",
        run("n < 3", "n ~= 3"))
    end)
  end)
end
