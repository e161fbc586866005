-- RFC 8259, case by case, anywhere in a document: JSON that must be accepted or rejected, and JSON for which the RFC
-- leaves a choice, which docs/reference/json.md documents.

local apivideo = require "apivideo"
local suite = require "spec.support.json_suite"

-- The places of a value in an event.
local PLACES = {
  { '{"type":"x","v":', "}" },
  { '{"v":', ',"type":"x"}' },
  { '{"type":"x","v":{"a":', "}}" },
  { '{"type":"x","v":[[', "]]}" },
  { '{"type":"x","v":["a", ', ' ,{"b":1}]}' },
  { ' \t{ "type" : "x" , "v" :\r\n', '\r\n} \t' },
}

-- Empty, or closed before its end and followed by a comma: well-formed in an array.
local function fits_in_array(form)
  return form:find "^%s*$" or form == '[""],'
end

local function kind_of(raw)
  local event, err = apivideo.parse(raw)
  return event and "event" or err.kind
end

describe("RFC 8259", function()
  for _, case in ipairs(suite.accepted) do
    it("accepts: " .. case[1], function()
      assert.equal("bad_event", kind_of(case[2])) -- not an object, or without a type
      for _, place in ipairs(PLACES) do
        assert.equal("event", kind_of(place[1] .. case[2] .. place[2]))
      end
    end)
  end

  for _, case in ipairs(suite.rejected) do
    it("rejects: " .. case[1], function()
      assert.equal("bad_json", kind_of(case[2]))
      for _, place in ipairs(PLACES) do
        if not (place[1]:find "%[" and fits_in_array(case[2])) then
          assert.equal("bad_json", kind_of(place[1] .. case[2] .. place[2]))
        end
      end
    end)
  end

  for _, case in ipairs(suite.choices) do
    it("leaves a choice, which is documented: " .. case[1], function()
      for _, place in ipairs(PLACES) do
        assert.equal(case.kind or "event", kind_of(place[1] .. case[2] .. place[2]))
      end
      if case.value then
        assert.same(case.value, apivideo.parse('{"type":"x","v":' .. case[2] .. "}").v)
      end
    end)
  end
end)

describe("a NUL, a byte order mark or white space of Unicode", function()
  local around = { "\0", "\239\187\191", "\v", "\f", "\194\160", "\226\128\168", "\227\128\128", "\255\254", "\26" }

  it("is rejected before, between and after values", function()
    for _, bytes in ipairs(around) do
      assert.equal("bad_json", kind_of(bytes .. '{"type":"x"}'))
      assert.equal("bad_json", kind_of('{"type":"x"}' .. bytes))
      for at = 1, #'{"type":"x"}' do
        local before, after = ('{"type":"x"}'):sub(1, at), ('{"type":"x"}'):sub(at + 1)
        if before:gsub('[^"]', ""):len() % 2 == 0 then -- outside strings
          assert.equal("bad_json", kind_of(before .. bytes .. after))
        end
      end
    end
  end)
end)

describe("a control character in a string", function()
  it("is reported as such, for each of them", function()
    for byte = 0, 31 do
      local _, err = apivideo.parse('{"type":"a' .. string.char(byte) .. '"}')
      assert.equal("control character in a string (at byte 10)", err.message)
    end
  end)
end)

describe("the deepest document", function()
  it("fits on the stack of a new coroutine", function()
    for _, open in ipairs { { "[", "]" }, { '{"a":', "}" } } do
      local raw = '{"type":"x","v":' .. open[1]:rep(62) .. "{}" .. open[2]:rep(62) .. "}"
      for _ = 1, 100 do
        local value = coroutine.wrap(apivideo.parse)(raw).v
        for _ = 1, 62 do value = value[1] or value.a end
        assert.same({}, value)
      end
    end
  end)
end)

describe("minus zero", function()
  it("is 0 as an integer, and minus zero with a fraction or an exponent", function()
    local event = apivideo.parse '{"type":"x","v":[-0,-0.0,-0e0,0.0]}'
    local signs = {}
    for i, number in ipairs(event.v) do signs[i] = 1 / number end
    assert.same({ math.huge, -math.huge, -math.huge, math.huge }, signs)
  end)
end)

describe("names", function()
  it("may be empty, contain a NUL, be a number, or any Unicode", function()
    local event = apivideo.parse [[{"type":"x","":1,"\u0000":2,"1":3,"a\u0000b":4,"\uffff":5,"__index":6}]]
    assert.same({ type = "x", [""] = 1, ["\0"] = 2, ["1"] = 3, ["a\0b"] = 4, ["\239\191\191"] = 5, __index = 6 }, event)
    assert.is_nil(getmetatable(event))
  end)

  it("may have any length, and escapes", function()
    for length = 1, 300 do
      local rest = ("n"):rep(length - 1)
      assert.same({ type = "x", ["\233\128\128" .. rest] = 1, [rest .. "\n"] = 2 },
        apivideo.parse('{"type":"x","\\u9000' .. rest .. '":1,"' .. rest .. '\\n":2}'))
    end
  end)

  it("that differ after a NUL, in case or in Unicode composition are different", function()
    assert.is_table((apivideo.parse [[{"type":"x","a\u0000b":1,"a\u0000c":2,"A":3,"a":4,"\u00e9":5,"e\u0301":6}]]))
    assert.equal("bad_json", kind_of [[{"type":"x","a\u0000b":1,"\u0061\u0000b":2}]])
  end)
end)
