--- Runs a copy of tools/check-all with other checks, in a temporary directory; and compares its list with the page.

local file = require "spec.support.file"
local temporary = require "spec.support.temporary"

local LIST = 'checks=%(\n.-\n%)'

describe("tools/check-all #process", function()
  local scratch

  before_each(function()
    scratch = temporary.directory()
    assert(os.execute(("mkdir -p %s/tools %s/docs/contributing"):format(scratch, scratch)))
  end)

  after_each(function() os.execute("rm -rf " .. scratch) end)

  -- Runs the copy; its output.
  local function run(list, words)
    local source = file.read "tools/check-all"
    assert.equal(1, select(2, source:gsub(LIST, "")))
    source = source:gsub(LIST, function() return "checks=(\n" .. list .. "\n)" end)
    file.write(scratch .. "/tools/check-all", source)
    local command = ("cd %s && ONLY='%s' bash tools/check-all %s 2>&1; echo status $?"):format(scratch, words or "",
      words or "")
    local pipe = assert(io.popen(command))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  -- The rows of the page, without the time and the commit.
  local function rows()
    local found = {}
    for row in file.read(scratch .. "/docs/contributing/checks.md"):gmatch "\n(| [^w-][^\n]*)" do
      found[#found + 1] = row:gsub(" | %d+ | [^|]* |$", "")
    end
    return found
  end

  local GOOD = '"Good|echo total: 3 passed, 0 failed, 2 skipped"\n'

  it("adds the totals up, and writes a row for each command", function()
    local output = run(GOOD .. '"Without a total|true"')
    assert.matches("total: 4 passed, 0 failed, 2 skipped\nstatus 0\n$", output)
    assert.same({ "| Good | `echo total: 3 passed, 0 failed, 2 skipped` | 3 | 0 | 2",
      "| Without a total | `true` | 1 | 0 | 0" }, rows())
  end)

  it("does not pass its ONLY on, which other checks have, too", function()
    assert.matches("status 0\n$", run('"Without|! printenv ONLY"', "printenv"))
  end)

  it("counts a failure that no total has", function()
    local output = run(GOOD .. '"Bad|echo total: 2 passed, 0 failed; false"\n"Worse|false"')
    assert.matches("total: 5 passed, 2 failed, 2 skipped\nstatus 1\n$", output)
    assert.equal("| Worse | `false` | 0 | 1 | 0", rows()[3])
  end)

  it("runs the selected ones, and keeps the other rows", function()
    local list = GOOD .. '"Other|true"'
    run(list, "true")
    assert.equal("| Good | `echo total: 3 passed, 0 failed, 2 skipped` | not run | | | | |", rows()[1])
    run(list, "echo")
    assert.same({ "| Good | `echo total: 3 passed, 0 failed, 2 skipped` | 3 | 0 | 2", "| Other | `true` | 1 | 0 | 0" },
      rows())
  end)

  it("names the commands for a word that none has", function()
    assert.matches("has one of the words \"fuz\".*\n  true\nstatus 2\n$", run('"Other|true"', "fuz"))
  end)

  it("has a row in the page and a target for each command", function()
    local page, targets = file.read "docs/contributing/checks.md", file.read "tools/checks.mk"
    local count = 0
    for what, command in file.read("tools/check-all"):match(LIST):gmatch '"([^|"]+)|([^"]+)"' do
      assert.truthy(page:find(("| %s | `%s` |"):format(what, command), 1, true), command)
      local target = command:match "^make (%S+)"
      if target then assert.truthy(targets:find("\n" .. target .. ":", 1, true), target) end
      count = count + 1
    end
    assert.is_true(count > 15)
  end)
end)
