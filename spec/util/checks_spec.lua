local apivideo = require "apivideo"
local checks = require "apivideo.util.checks"
local misuse = require "spec.support.misuse"
local spelling = require "apivideo.util.spelling"
local testing = require "apivideo.testing"

describe("options", function()
  it("suggest the known name that is most similar", function()
    local known = { "timeout", "max_body", "api_key" }
    assert.equal("timeout", spelling.nearest("timeuot", known))
    assert.equal("max_body", spelling.nearest("maxbody", known))
    assert.is_nil(spelling.nearest("completely_different", known))
  end)

  local function check(kind, value)
    checks.options("f", { x = value }, { x = kind })
  end

  local KINDS = {
    ["string?"] = { good = { "" }, wrong = { [5] = "a string, got number" } },
    ["number|boolean"] = { good = { 5, true }, wrong = { x = "a number or a boolean, got string" } },
    ["integer>=1"] = { good = { 1, 1e15 }, wrong = { x = "an integer of at least 1, got string",
      [0] = "an integer of at least 1, got 0", [1.5] = "an integer of at least 1, got 1.5",
      [math.huge] = "an integer of at least 1, got " } },
    ["integer>=0<=100"] = { good = { 0, 100 }, wrong = { [101] = "an integer from 0 to 100, got 101" } },
    ["seconds>0"] = { good = { 0.001, math.huge }, wrong = { [0] = "a number of seconds above 0, got 0" } },
    ["seconds>=0.001<=86400"] = { good = { 0.001, 86400 },
      wrong = { [86401] = "a number of seconds from 0.001 to 86400, got 86401" } },
    ["bytes>=0"] = { good = { 0, 1e9 }, wrong = { [1.5] = "a whole number of bytes of at least 0, got 1.5" } },
    ["wholeseconds>=1<=5"] = { good = { 1, 5 },
      wrong = { [1.5] = "a whole number of seconds from 1 to 5, got 1.5" } },
    ["integer>=1|huge"] = { good = { 1, math.huge },
      wrong = { [1.5] = "an integer of at least 1 or math.huge, got 1.5", [-math.huge] = "an integer of at least 1" } },
    ["strings"] = { good = { {}, { "a", "b" } }, wrong = { [5] = "a list of strings, got number",
      [{ 5 }] = "a list of strings, got another table", [{ "a", n = "b" }] = "a list of strings, got another table" } },
    ["values"] = { good = { {}, { a = "b", c = 5, d = true } },
      wrong = { [{ "a" }] = "a table of", [{ a = {} }] = "a table of name -> string, number or boolean, got a" } },
  }

  for kind, cases in pairs(KINDS) do
    it("have the kind " .. kind, function()
      for _, value in ipairs(cases.good) do check(kind, value) end
      for value, text in pairs(cases.wrong) do
        local message = misuse(function() return (check(kind, value)) end)
        assert.truthy(message:find('f: option "x" must be ' .. text, 1, true), message)
      end
    end)
  end

  it("are never NaN", function()
    for _, kind in ipairs { "integer>=1", "seconds>0", "seconds>=0<=5" } do
      assert.error(function() check(kind, 0 / 0) end)
    end
  end)

  it("are described for other messages, such as those of the command", function()
    assert.same({ true, "an integer of at least 1" }, { checks.matches(1, "integer>=1") })
    assert.same({ false, "an integer of at least 1" }, { checks.matches(nil, "integer>=1") })
    assert.is_true((checks.matches(nil, "integer>=1?")))
  end)

  it("are not a module: the function was called with a colon", function()
    for name, call in pairs {
      receiver = function() return (apivideo:receiver()) end,
      handlers = function() return (apivideo:handlers()) end,
      log = function() return (apivideo:log { level = "info" }) end,
      construct_event = function() return (apivideo:construct_event("{}", {}, "secret")) end,
      parse = function() return (apivideo:parse "{}") end,
      ["testing.delivery"] = function() return (testing:delivery "video.caption.generated") end,
      ["inbox.sqlite"] = function() return (apivideo.inbox.sqlite(apivideo.inbox)) end,
    } do
      assert.matches("call it with a dot, not with a colon", misuse(call), 1, true, name)
    end
  end)

  it("may be a module of the application", function()
    local own = { timeuot = 1 }
    package.loaded["apivideo_settings"] = own
    local message = misuse(function() return (checks.options("f", own, { timeout = "number?" }, 2)) end)
    package.loaded["apivideo_settings"] = nil
    assert.matches('did you mean "timeout"', message, 1, true)
  end)

  it("may be left out only where they are optional", function()
    check("integer>=1?")
    assert.truthy(misuse(function() return (check "integer>=1") end)
      :find('f: option "x" is required (an integer of at least 1)', 1, true))
  end)
end)
