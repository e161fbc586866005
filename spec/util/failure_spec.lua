-- Errors as text for logs and dead letters.

local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local permanent = require "apivideo.events.permanent"

describe("failure.text", function()
  it("shows strings, numbers, nil and error objects as tostring does", function()
    assert.equal("boom", failure.text "boom")
    assert.equal("5", failure.text(5))
    assert.equal("nil", failure.text(nil))
    local err = errors.new("network", "connection refused")
    assert.equal(tostring(err), failure.text(err))
  end)

  it("shows the fields of a table without __tostring, sorted", function()
    assert.equal('{ 1 = "a", code = 5, inner = {…}, ok = false }',
      failure.text { "a", code = 5, ok = false, inner = { 1 } })
    assert.equal("{}", failure.text {})
    assert.equal("{ a = 1 }", failure.text(setmetatable({ a = 1 }, { __name = "my.error" })))
  end)

  it("shows no secret", function()
    assert.equal("{ apiKey = ***, text = \"sig_sec_***\" }", failure.text { apiKey = "k1", text = "sig_sec_abc" })
    assert.equal("sig_sec_***", failure.text "sig_sec_abc")
    local text = failure.text { url = ("x"):rep(175) .. " https://user:hunter2secret@example.com/" } -- cut in the secret
    assert.is_nil(text:find("hunter2", 1, true), text)
    assert.equal("x; stack: sig_sec_***.lua:1 in f", failure.text("x", "\nstack traceback:\n\tsig_sec_a.lua:1: in f"))
  end)

  it("shows the cause of a permanent failure like any error", function()
    local err = permanent.new { code = 42, apiKey = "k1" }
    assert.equal("{ apiKey = ***, code = 42 }", failure.text(err))
    assert.equal("{ apiKey = ***, code = 42 }", tostring(err))
  end)

  it("bounds tables that are large or refer to themselves", function()
    local err = {}
    for i = 1, 1000 do err["field" .. i] = ("x"):rep(1000) end
    assert.is_true(#failure.text(err) <= 1000)
    err = {}
    err.err = err
    assert.equal("{ err = {…} }", failure.text(err))
  end)

  it("is one line", function()
    assert.equal("a b c", failure.text "a\nb\r\n\0c")
  end)

  it("never raises, whatever __tostring and __metatable do", function()
    local function object(tostring_of) return setmetatable({}, { __tostring = tostring_of, __metatable = 5 }) end
    assert.truthy(failure.text(object(function() error("no", 0) end)):find("__tostring failed (no)", 1, true))
    assert.truthy(failure.text(object(function() error {} end)):find("__tostring failed", 1, true))
    assert.truthy(failure.text(object(function() return {} end)):find("__tostring failed", 1, true))
    assert.equal("text", failure.text(object(function() return "text" end)))
  end)

  it("adds the frames of the stack, innermost first, up to the call by the library", function()
    local lines = { "", "stack traceback:", "\t[C]: in function 'error'", "\tapp.lua:3: in local 'f'",
      "\t(...tail calls...)", "\tapp.lua:9: in function <app.lua:8>", "\t[C]: in upvalue 'xpcall'",
      "\tlib.lua:1: in g" }
    assert.equal("boom; stack: app.lua:3 in local 'f' < app.lua:9 in function <app.lua:8>",
      failure.text("boom", table.concat(lines, "\n")))
  end)

  it("cuts the message before the stack, and long stacks", function()
    local stack = "\nstack traceback:"
    for i = 1, 50 do stack = stack .. "\n\tapp.lua:" .. i .. ": in f" end
    local text = failure.text(("x"):rep(500), stack, 300)
    assert.equal(300, #text)
    assert.truthy(text:find("x; stack: app.lua:1 in f < app.lua:2 in f", 1, true))
    assert.truthy(failure.text("x", stack):find("app.lua:8 in f < …$"))
  end)
end)
