-- JSON of a hostile peer that impersonates api.video: it causes an error, or a harmless value.

local client_of = require "spec.support.client"
local json = require "apivideo.util.json"
local running = require "spec.support.running"

-- Rejected, as a response and by the decoder.
local REJECTED = {
  "NaN", "[NaN]", "[nan]", "[-NaN]", "[Infinity]", "[inf]", "[-Infinity]", "[0x10]", "[-0X1F]", "[01]", "[-00]",
  "[+1]", "[.5]", "[-]", "[1e+]", "[--1]", "[1,]", "[1]x", "{} {}", "", " ", "\0", "[1]\0", "[1]\0]", '{"a":"b\0c"}',
  "{\0}\0", "\239\187\191{}", '["\\ud800"]', '["\\x"]', "[1234567890123456789", "[01234567890123456789]",
  ("["):rep(101) .. ("]"):rep(101), ("["):rep(1e6), ('{"a":'):rep(1e5), ('[{"a":'):rep(1e5) .. ("1}]"):rep(1e5),
}

-- Accepted, as their values.
local TAKEN = {
  ['{"a":1e999}'] = { a = math.huge },
  ['{"a":-1e999}'] = { a = -math.huge },
  ['{"a":1e-999}'] = { a = 0 },
  ['{"a":1,"a":2}'] = { a = 2 },
  ['{"a":"\255\192\175"}'] = { a = "\255\192\175" },
  ['{"a":"\t\127\n"}'] = { a = "\t\127\n" },
  ['{"a":1.}'] = { a = 1 },
  ['{"\\u0000":"\\u0000"}'] = { ["\0"] = "\0" },
  ['{"__index":{"a":1},"__gc":true}'] = { __index = { a = 1 }, __gc = true },
  ['{"a":' .. ("9"):rep(1e6) .. "}"] = { a = ("9"):rep(1e6) },
  ['{"a":0.' .. ("9"):rep(1e6) .. "}"] = { a = 1 },
  ['{"a":1e' .. ("9"):rep(1e6) .. "}"] = { a = math.huge },
}

describe("hostile JSON in a response", function()
  after_each(running.stop)

  local function request(status, body)
    return client_of(running.responding(status, nil, body).url):request("GET", "/webhooks/x")
  end

  it("is rejected as JSON, and is an error of the call", function()
    for _, body in ipairs(REJECTED) do
      assert.is_nil((json.decode(body)), body:sub(1, 40))
    end
    for _, body in ipairs { "[NaN]", "[0x10]", "[1]x", ("["):rep(1e6), "\255" } do
      local result, err = request("200 OK", body)
      assert.is_nil(result)
      assert.equal("unexpected_response", err.kind)
      result, err = request("404 Not Found", body)
      assert.is_nil(result)
      assert.equal("not_found", err.kind)
      assert.is_nil(err.problem)
      assert(#tostring(err) < 1000)
      running.stop()
    end
  end)

  it("is accepted as values where it is valid", function()
    for body, expected in pairs(TAKEN) do
      local value = json.decode(body)
      assert.same(expected, value)
      assert.is_nil(getmetatable(value))
    end
    assert.same({ a = math.huge }, (request("200 OK", '{"a":1e999}')))
  end)

  it("cannot make long numbers expensive with what is beside them", function()
    local filler = { ("@"):rep(2e6), ("\\u0040"):rep(1e5), ("0"):rep(1e6) }
    for _, text in ipairs(filler) do
      local numbers = ("1234567890123456789,"):rep(2e4)
      local value = assert(json.decode('["' .. text .. '",' .. numbers .. "1]"))
      assert.equal("1234567890123456789", tostring(value[20001]))
    end
  end)

  it("is never serialized as malformed JSON", function()
    local value = json.decode '{"a":1e999}'
    assert.is_nil((json.encode(value)))
  end)
end)
