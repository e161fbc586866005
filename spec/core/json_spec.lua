-- The strict JSON reader of the event parser, and the Lua value of each kind of JSON value.

local cjson = require "cjson"
local event = require("apivideo.core").event
local forms = require "spec.support.json_forms"

local parse = event.compile {}
local BEFORE, AFTER = '{"type":"x","v":', "}"

-- Integers have 64 bits where Lua has integers, else 53.
local INTEGERS = math.type ~= nil -- luacheck: ignore 143

-- The Lua value of a JSON value; or nil, kind, message, offset in the value.
local function value_of(json)
  local result, kind, message, _, offset = parse(BEFORE .. json .. AFTER)
  if not result then return nil, kind, message, offset - #BEFORE end
  return result.v
end

local function show(text)
  return (text:gsub("[^\32-\126]", function(c) return ("\\x%02X"):format(c:byte()) end))
end

describe("well-formed JSON", function()
  it("is accepted as a value", function()
    for _, form in ipairs(forms.accepted) do
      local result, kind, message = parse(BEFORE .. form .. AFTER)
      assert(result, show(form) .. ": " .. tostring(kind) .. ": " .. tostring(message))
    end
  end)

  it("is not an event unless it is an object", function()
    for _, form in ipairs(forms.accepted) do
      local result, kind, message, field, offset = parse(form)
      assert.is_nil(result)
      assert.equal("bad_event", kind, show(form))
      if form:match("^%s*{") then
        assert.equal("type", field)
        assert.is_nil(offset)
      else
        assert.equal("not an object", message)
        assert.is_nil(field)
        assert.equal(form:match("^%s*\"?()") - 1 - (form:match("^%s*\"") and 1 or 0), offset)
      end
    end
  end)

  it("may have white space anywhere between its parts", function()
    local parts = { "{", '"type"', ":", '"x"', ",", '"v"', ":", "[", "1", ",", "{", "}", "]", "}" }
    for _, space in ipairs { "", " ", "\t", "\n", "\r", " \r\n\t " } do
      local result = parse(space .. table.concat(parts, space) .. space)
      assert.same({ type = "x", v = { 1, {} } }, result)
    end
  end)
end)

describe("malformed JSON", function()
  local function assert_rejected(raw, form)
    local result, kind, message, field, offset = parse(raw)
    assert.is_nil(result, show(form))
    assert.equal("bad_json", kind, show(form))
    assert.is_string(message)
    assert.is_nil(field)
    assert(offset >= 0 and offset <= #raw, show(form))
  end

  it("is rejected as a document", function()
    for _, form in ipairs(forms.rejected) do assert_rejected(form, form) end
  end)

  it("is rejected in an array", function()
    for _, form in ipairs(forms.rejected) do
      -- These are well-formed between brackets and before a 1.
      if not form:match("^%s*$") and form ~= "1,000" and form ~= "1," and form ~= '[""],' then
        assert_rejected("[" .. form .. "]", form)
        assert_rejected("[" .. form .. ",1]", form)
      end
    end
  end)

  it("is rejected where a string is not UTF-8, at any position", function()
    for _, bytes in ipairs(forms.not_utf8) do
      for _, before in ipairs { "", "a", ("a"):rep(7), ("a"):rep(15), ("a"):rep(16), ("a"):rep(100) } do
        local _, kind, message, offset = value_of('"' .. before .. bytes .. '"')
        assert.equal("bad_json", kind, show(bytes))
        assert.equal("invalid UTF-8", message, show(bytes))
        assert.equal(1 + #before, offset, show(bytes))
        assert_rejected('"' .. before .. bytes .. 'aaaaaaaaaaaaaaaaaaaa"', bytes)
        assert_rejected('"' .. before .. bytes, bytes)
        assert_rejected('{"' .. bytes .. '":1}', bytes)
      end
    end
  end)

  it("is rejected when two bytes of a string are replaced by any pair that is not UTF-8", function()
    for lead = 0x80, 0xFF do
      for second = 0, 0xFF, 3 do
        local valid = lead >= 0xC2 and lead <= 0xDF and second >= 0x80 and second <= 0xBF
        local result = value_of('"' .. string.char(lead, second) .. '"')
        assert(valid == (result ~= nil), ("%02X %02X"):format(lead, second))
      end
    end
  end)

  local where = {
    { "", 0, "unexpected end of input" },
    { "{", 1, "unexpected end of input" },
    { "[1", 2, "unexpected end of input" },
    { '{"type":"x"', 11, "unexpected end of input" },
    { '"abc', 4, "unexpected end of input" },
    { "[1 2]", 3, "',' or ']' expected" },
    { '{"a":1 "b"}', 7, "',' or '}' expected" },
    { '{"a" 1}', 5, "':' expected" },
    { '{"a":1,}', 7, "member name expected" },
    { "{1:1}", 1, "member name expected" },
    { "[1,]", 3, "value expected" },
    { "[nulx]", 4, "value expected" },
    { "[1]x", 3, "end of input expected" },
    { "[]\0", 2, "end of input expected" },
    { "[-x]", 2, "digit expected" },
    { "[1.]", 3, "digit expected" },
    { "[1e+]", 4, "digit expected" },
    { '["a\tb"]', 3, "control character in a string" },
    { '["a\\x"]', 3, "invalid escape" },
    { '["\\ud800"]', 2, "lone surrogate escape" },
    { "\239\187\191{}", 0, "byte order mark before the value" },
    { '{"a":1,"b":2,"a":3}', 13, "duplicate member name" },
    { '{"b":1,"c":2,"c":3,"b":4}', 13, "duplicate member name" },
    { '{"c":1,"b":2,"b":3,"c":4}', 13, "duplicate member name" },
  }
  for _, case in ipairs(where) do
    it("is reported with its offset: " .. show(case[1]), function()
      local result, kind, message, field, offset = parse(case[1])
      assert.same({ n = 5, nil, "bad_json", case[3], nil, case[2] },
        { n = 5, result, kind, message, field, offset })
    end)
  end
end)

describe("a string", function()
  it("is returned with its escapes decoded", function()
    local cases = {
      [ [["\"\\\/\b\f\n\r\t"]] ] = "\"\\/\b\f\n\r\t",
      [ [["\u0000"]] ] = "\0",
      [ [["a\u0000b"]] ] = "a\0b",
      [ [["\u007F\u0080"]] ] = "\127\194\128",
      [ [["\u07ff\u0800"]] ] = "\223\191\224\160\128",
      [ [["\uFFFF"]] ] = "\239\191\191",
      [ [["\ud7ff\ue000"]] ] = "\237\159\191\238\128\128",
      [ [["\ud800\udc00"]] ] = "\240\144\128\128",
      [ [["\uD83D\uDE00!"]] ] = "\240\159\152\128!",
      [ [["\udbff\udfff"]] ] = "\244\143\191\191",
      [ [["\\u0041"]] ] = "\\u0041",
      [ [["caf\u00e9"]] ] = "caf\195\169",
    }
    for json, expected in pairs(cases) do assert.equal(expected, (value_of(json))) end
  end)

  it("is exact at every length, plain and with an escape at its end or start", function()
    for length = 0, 70 do
      local text = ("abcdefghij"):rep(7):sub(1, length)
      assert.equal(text, (value_of('"' .. text .. '"')))
      assert.equal(text .. "\n", (value_of('"' .. text .. '\\n"')))
      assert.equal("\n" .. text, (value_of('"\\n' .. text .. '"')))
      assert.equal(text .. "\195\169" .. text, (value_of('"' .. text .. "\195\169" .. text .. '"')))
    end
  end)

  it("of ten megabytes is exact, plain and of escapes", function()
    local size = os.getenv "APIVIDEO_SLOW" and 1e6 or 1e7
    local text = ("0123456789"):rep(size / 10)
    assert(value_of('"' .. text .. '"') == text)
    assert(value_of('"' .. ("\\n"):rep(size / 2) .. '"') == ("\n"):rep(size / 2))
    local _, _, _, offset = value_of('"' .. text .. '\1"')
    assert.equal(size + 1, offset)
  end)

  it("decodes every \\u escape as cjson does", function()
    for code = 0, 0xFFFF, 13 do
      local json = ('"\\u%04x"'):format(code)
      if code < 0xD800 or code > 0xDFFF then
        assert.equal(cjson.decode("[" .. json .. "]")[1], (value_of(json)))
      else
        assert.is_nil((value_of(json)))
      end
    end
  end)
end)

describe("a number", function()
  local function assert_number(expected, json, subtype)
    local result = value_of(json)
    assert.equal("number", type(result), json)
    assert(result == expected, ("%s: %.17g"):format(json, result))
    if INTEGERS then assert.equal(subtype, math.type(result), json) end -- luacheck: ignore 143
  end

  it("is an integer when written as one", function()
    assert_number(0, "0", "integer")
    assert_number(0, "-0", "integer")
    assert_number(-12, "-12", "integer")
    assert_number(2 ^ 31, "2147483648", "integer")
    assert_number(2 ^ 53, "9007199254740992", "integer")
    assert_number(-2 ^ 53, "-9007199254740992", "integer")
  end)

  it("is a float when written with a fraction or an exponent", function()
    assert_number(1, "1.0", "float")
    assert_number(100, "1e2", "float")
    assert_number(0.1, "0.1", "float")
    assert_number(-1.25e-7, "-12.5E-8", "float")
    assert_number(0, "0e99999999999999999999", "float")
    assert_number(0, "1e-99999999999999999999", "float")
    assert_number(0, "1e-1000", "float")
  end)

  it("is the nearest double", function()
    local cases = {
      ["2.2250738585072014e-308"] = 2 ^ -1022,
      ["2.2250738585072011e-308"] = 2 ^ -1022 - 2 ^ -1074,
      ["4.9406564584124654e-324"] = 2 ^ -1074,
      ["2.4703282292062327e-324"] = 0,
      ["2.4703282292062328e-324"] = 2 ^ -1074,
      ["1.7976931348623157e308"] = (2 - 2 ^ -52) * 2 ^ 1023,
      ["1.7976931348623158e308"] = (2 - 2 ^ -52) * 2 ^ 1023,
      ["9007199254740993.0"] = 2 ^ 53, -- halfway between two doubles: rounds to even
      ["9007199254740993.00000000000000000000000000000000001"] = 2 ^ 53 + 2,
      ["9007199254740995.0"] = 2 ^ 53 + 4,
      ["1" .. ("0"):rep(200) .. "e-200"] = 1,
      ["0." .. ("0"):rep(200) .. "1e201"] = 1,
    }
    for json, expected in pairs(cases) do assert_number(expected, json, "float") end
  end)

  it("that is printed with 17 digits is read as the same double", function()
    local seed = 12345
    for _ = 1, 2000 do
      seed = (seed * 1103515245 + 12345) % 2 ^ 31
      local number = (seed / 2 ^ 31 + 0.1) * 2 ^ (seed % 1800 - 900)
      assert_number(number, (("%.17e"):format(number):gsub(",", ".")), "float")
    end
  end)

  it("does not depend on the locale", function()
    local old = os.setlocale(nil, "numeric")
    local comma = os.setlocale("de_DE.UTF-8", "numeric") or os.setlocale("de_DE.utf8", "numeric")
      or os.setlocale("fr_FR.UTF-8", "numeric") or os.setlocale("fr_FR.utf8", "numeric")
    local result, exponent, rejected = value_of("1234.5"), value_of("12.5e1"), value_of("1,5")
    os.setlocale(old, "numeric")
    if not comma then pending("no locale with a decimal comma here") end
    assert.equal(1234.5, result)
    assert.equal(125, exponent)
    assert.is_nil(rejected)
  end)

  it("that Lua cannot represent is its literal, as a string", function()
    local texts = {
      "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
      "9223372036854775809", "18446744073709551616", "100000000000000000000", "-" .. ("9"):rep(255),
      "1e309", "1e1000", "-1e309", "1.8e308", "1e99999999999999999999", ("9"):rep(250) .. "e100",
    }
    for _, text in ipairs(texts) do assert.equal(text, (value_of(text))) end
    local most = INTEGERS and math.tointeger("9223372036854775807") or "9223372036854775807" -- luacheck: ignore 143
    assert.equal(most, (value_of("9223372036854775807")))
    assert.equal(INTEGERS and -most or "-9223372036854775807", (value_of("-9223372036854775807")))
    if not INTEGERS then
      assert.equal("9007199254740993", (value_of("9007199254740993")))
      assert.equal("-9007199254740993", (value_of("-9007199254740993")))
    end
  end)

  it("may be 256 bytes long, but not longer", function()
    assert.equal(("1"):rep(256), (value_of(("1"):rep(256))))
    local result, kind, message, offset = value_of(("1"):rep(257))
    assert.same({ n = 4, nil, "too_large", "number too long", 0 }, { n = 4, result, kind, message, offset })
    assert.equal("too_large", select(2, value_of("1e" .. ("0"):rep(255))))
    assert.is_number((value_of("1e" .. ("0"):rep(254))))
  end)
end)

describe("null", function()
  it("is omitted from an object", function()
    assert.same({}, (value_of('{"a":null,"b":null}')))
    assert.same({ b = {} }, (value_of('{"a":null,"b":{"c":null}}')))
    assert.same({ type = "x", w = 1 }, (parse('{"type":"x","v":null,"w":1}')))
  end)

  it("keeps its position in an array, as in cjson", function()
    local array = value_of("[1,null,[null],null]")
    assert.equal(4, #array)
    assert.equal(cjson.null, array[2])
    assert.equal(cjson.null, array[3][1])
    assert.equal(cjson.null, array[4])
  end)
end)

describe("the limit", function()
  it("of depth is 64, including the event's object", function()
    assert.is_table((value_of(("["):rep(63) .. ("]"):rep(63))))
    assert.is_table((value_of(('{"a":'):rep(62) .. "[]" .. ("}"):rep(62))))
    for _, open in ipairs { "[", '{"a":', '[{"a":' } do
      local result, kind, message, offset = value_of(open:rep(64))
      assert.is_nil(result)
      assert.equal("too_large", kind)
      assert.equal("nested too deeply", message)
      assert(offset >= 63)
    end
    assert.equal("too_large", select(2, parse(("["):rep(1e6))))
  end)

  local function members(count)
    local list = {}
    for i = 1, count do list[i] = ('"m%d":%d'):format(i, i) end
    return list
  end

  it("of members is 1024 in an object", function()
    local text = "{" .. table.concat(members(1024), ",") .. "}"
    for _, object in ipairs { value_of(text), value_of("[" .. text .. "," .. text .. "]")[2] } do
      for i = 1, 1024 do assert.equal(i, object["m" .. i]) end
    end
    for _, form in ipairs { "%s", "[{},%s]", '{"a":{"b":1},"c":%s}' } do
      local result, kind, message = value_of(form:format("{" .. table.concat(members(1025), ",") .. "}"))
      assert.same({ n = 3, nil, "too_large", "too many members" }, { n = 3, result, kind, message })
    end
  end)

  it("of values is 65536 in a document", function()
    -- the object, two names, the type and the array take five
    local array = value_of("[" .. ("1,"):rep(65530) .. "1]")
    assert.equal(65531, #array)
    local result, kind, message = value_of("[" .. ("1,"):rep(65531) .. "1]")
    assert.same({ n = 3, nil, "too_large", "too many values" }, { n = 3, result, kind, message })
  end)

  it("finds one duplicate among many members, with and without escapes", function()
    local list = members(1000)
    for _, name in ipairs { "m1", "m500", "m1000", "\\u006d77", "m\\u00377" } do
      list[1001] = '"' .. name .. '":0'
      local json = "{" .. table.concat(list, ",") .. "}"
      local result, kind, message, offset = value_of(json)
      assert.same({ n = 3, nil, "bad_json", "duplicate member name" }, { n = 3, result, kind, message })
      assert.equal(json:find(list[1001], 1000, true) - 1, offset)
    end
  end)

  it("of members bounds the time to compare hostile names", function()
    -- All have the same hash and differ only after a long common prefix, plain or escaped.
    for _, start in ipairs { ("a"):rep(2000), ("\\u0061"):rep(400) } do
      local list = {}
      for i = 1, 1000 do list[i] = ('"%s%04d%sz":0'):format(start, i, ("b"):rep(3000)) end
      assert.is_table((value_of("{" .. table.concat(list, ",") .. "}")))
      list[1001] = list[500]
      assert.equal("bad_json", select(2, value_of("{" .. table.concat(list, ",") .. "}")))
    end
  end)
end)
