local assignments = require "apivideo.cli.assignments"
local json = require "apivideo.util.json"

-- Parses the texts of --set, and applies them.
local function apply(event, texts, unset_names)
  local set = {}
  for i, text in ipairs(texts) do
    local problem
    set[i], problem = assignments.parse(text)
    if problem then return nil, problem end
  end
  return assignments.apply(event, set, unset_names or {})
end

describe("cli.assignments", function()
  it("sets strings and JSON values, the last one of a name, and does not change the event", function()
    local event = { type = "t", a = "old" }
    local changed = assert(apply(event, {
      "a=1", "b:=1", "c:=[]", "d:={\"e\":[true]}", "f:=null", "g:=\"1\"", "h=x=y", "i:=\"a=b\"", "j=", "k=:=1", "b:=2",
    }))
    assert.equal("1", changed.a)
    assert.equal(2, changed.b)
    assert.equal("[]", json.encode(changed.c))
    assert.is_true(changed.d.e[1])
    assert.equal(json.null, changed.f)
    assert.equal("1", changed.g)
    assert.equal("x=y", changed.h)
    assert.equal("a=b", changed.i)
    assert.equal("", changed.j)
    assert.equal(":=1", changed.k)
    assert.same({ type = "t", a = "old" }, event)
  end)

  it("removes fields after it has set others", function()
    assert.same({ type = "t", b = "2" }, apply({ type = "t", a = "1" }, { "b=2", "c=3" }, { "a", "c" }))
  end)

  it("says what is wrong", function()
    for text, expected in pairs {
      ["x"] = "--set must have the form name=value, or name:=value for JSON, got 'x'",
      ["=x"] = "--set must have the form name=value, or name:=value for JSON, got '=x'",
      [":=1"] = "--set must have the form name=value, or name:=value for JSON, got ':=1'",
      ["a:=b"] = "--set a:=b: the value must be JSON (value expected at byte 0); for a string, write --set a=b",
      ["a:="] = "--set a:=: the value must be JSON (unexpected end of input at byte 0); for a string, write --set a=",
      ["a:=1e999"] = "--set a:=1e999: this Lua cannot represent the number",
    } do
      local event, problem = apply({ type = "t" }, { "ok=1", text })
      assert.is_nil(event)
      assert.equal(expected, problem)
    end
    assert.same({ nil, "--unset y: the event has no such field" }, { apply({ x = 1 }, {}, { "y" }) })
  end)
end)
