local json = require "apivideo.util.json"

local has_integers = math.type ~= nil

-- Whether a value is written without a fraction, as this Lua writes it.
local function shown(text) return tostring(json.decode(text)[1]) end

describe("JSON of the management API", function()
  it("reads whole numbers as integers, on each Lua", function()
    for text, expected in pairs { ["[5]"] = "5", ["[-1]"] = "-1", ["[0]"] = "0",
      ["[4294967296]"] = "4294967296", ["[99999999999999]"] = "99999999999999" } do
      assert.equal(expected, shown(text))
    end
    assert.equal(0.5, json.decode("[0.5]")[1])
    assert.equal(1e300, json.decode("[1e300]")[1])
  end)

  it("has whole numbers beyond 2^53 exactly, as text where this Lua cannot hold them", function()
    for _, digits in ipairs { "9007199254740993", "-9007199254740993", "9223372036854775807",
      "1234567890123456789" } do
      local value = json.decode('{"a":{"b":[' .. digits .. "]}}").a.b[1]
      assert.equal(digits, tostring(value))
      assert.equal(has_integers and "number" or "string", type(value))
    end
    for _, digits in ipairs { "9223372036854775808", "-9223372036854775809", ("9"):rep(40) } do
      assert.equal(digits, json.decode("[" .. digits .. "]")[1])
    end
    assert.equal(2 ^ 53, json.decode("[9007199254740992]")[1])
    assert.equal(1234567890123456, json.decode("[1234567890123456]")[1])
  end)

  it("leaves digits in strings, names, fractions and exponents alone", function()
    local text = [[{"12345678901234567890":"\"12345678901234567890","a\\":"@12345678901234567890@",]]
      .. [["b":[0.12345678901234567890,12345678901234567890e5,-12345678901234567890.5],"c":9007199254740993}]]
    local value = json.decode(text)
    assert.equal('"12345678901234567890', value["12345678901234567890"])
    assert.equal("@12345678901234567890@", value["a\\"])
    assert.equal(0.12345678901234567890, value.b[1])
    assert.equal(12345678901234567890e5, value.b[2])
    assert.equal(-12345678901234567890.5, value.b[3])
    assert.equal("9007199254740993", tostring(value.c))
  end)

  it("rejects malformed JSON, also beside long numbers", function()
    for _, text in ipairs { "", "{", "[1234567890123456789", '["1234567890123456789', '{"a":1234567890123456789',
      '["a\\', '[1234567890123456789,"a\\"', "<html>" } do
      local value, err = json.decode(text)
      assert.is_nil(value)
      assert.is_string(err)
    end
  end)

  it("distinguishes null from a missing member", function()
    local value = json.decode '{"a":null,"b":[null,1234567890123456789]}'
    assert.equal(json.null, value.a)
    assert.equal(json.null, value.b[1])
    assert.is_nil(value.c)
    assert.equal('{"a":null}', json.encode { a = json.null })
    assert.equal(json.null, json.decode("null"))
  end)

  it("writes numbers with all their digits", function()
    for _, text in ipairs { "[123456789012345]", "[9007199254740991]", "[100000000000000]", "[-4503599627370497]" } do
      assert.equal(text, json.encode(json.decode(text)))
    end
    if has_integers then
      assert.equal("[9223372036854775807]", json.encode(json.decode "[9223372036854775807]"))
    end
    for _, number in ipairs { 0.1 + 0.2, 1684834142.154104, 1e300, -1e-300, 0.1, 1 / 3 } do
      assert.equal(number, json.decode(json.encode { number })[1])
    end
    assert.equal("[0.1]", json.encode { 0.1 })
    for _, number in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
      assert.is_nil((json.encode { number, 1234567890123456 }))
    end
  end)

  it("writes marked empty lists as lists", function()
    assert.equal("[]", json.encode(json.array {}))
    assert.equal('{"a":[]}', json.encode { a = json.array {} })
    assert.equal("[1]", json.encode(json.array { 1 }))
    assert.equal("{}", json.encode {})
  end)

  it("writes a decoded list as a list, also when it is empty, emptied or beside long numbers", function()
    for _, text in ipairs {
      "[]", '{"a":[]}', '[[],[[]],[{"b":[]}]]', '{"a":{},"b":[{}]}', '{"a":["[]","[ ]"],"[]":[]}',
      '[[],12345678901234567890]', '["\\"[]",[]]',
    } do
      local value = assert(json.decode(text))
      local again = json.encode(value):gsub('"12345678901234567890"', "12345678901234567890")
      assert.same(value, json.decode(again))
      assert.equal(select(2, text:gsub("%[%]", "")), select(2, again:gsub("%[%]", "")), again)
    end
    assert.equal('{"a":[]}', json.encode(json.decode '{ "a" : [ \t\r\n ] }'))
    local value = json.decode '{"tags":["x"]}'
    table.remove(value.tags)
    assert.equal('{"tags":[]}', json.encode(value))
  end)

  it("writes an empty list of an event as a list", function()
    local event = require("apivideo.core").event.compile {} '{"type":"x","a":[]}'
    assert.equal("[]", json.encode(event.a))
  end)

  it("reads and writes fractions in any locale, also when the process changes it", function()
    local old = os.setlocale(nil, "numeric")
    local results = {}
    for _, locale in ipairs { "de_DE.UTF-8", "C" } do
      assert(os.setlocale(locale, "numeric"))
      local value, err = json.decode "[0.5,1.25e-3]"
      results[#results + 1] = { value, err, json.encode { 0.5, 1e-7 } }
    end
    os.setlocale(old, "numeric")
    for _, result in ipairs(results) do
      assert.same({ 0.5, 0.00125 }, result[1])
      assert.equal("[0.5,1e-07]", result[3])
    end
  end)

  it("writes any string unchanged", function()
    for _, text in ipairs { "@", "@@", '"@5"', "@[]", "\\@@@", "\0\1\"" } do
      local value = json.decode(json.encode { text, json.array {}, 1234567890123456 })
      assert.equal(text, value[1])
      assert.same({}, value[2])
    end
  end)

  it("does not take escaped text for its own marks", function()
    for _, word in ipairs { "123", "home" } do
      local value = json.decode(([[{"a":"\u0040%s","b":12345678901234567890}]]):format(word))
      assert.equal("@" .. word, value.a)
      assert.equal("12345678901234567890", value.b)
    end
  end)

  it("writes the least integer", function()
    if not has_integers then return end
    assert.equal("[-9223372036854775808]", json.encode { math.mininteger })
  end)
end)
