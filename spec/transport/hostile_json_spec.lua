-- JSON of a hostile peer that impersonates api.video: it causes an error, or a harmless value.

local client_of = require "spec.support.client"
local json = require "apivideo.util.json"
local running = require "spec.support.running"

-- Rejected, as a response and by the decoder.
local REJECTED = {
  "NaN", "[NaN]", "[nan]", "[-NaN]", "[Infinity]", "[inf]", "[-Infinity]", "[0x10]", "[-0X1F]", "[01]", "[-00]",
  "[+1]", "[.5]", "[-]", "[1e+]", "[--1]", "[1,]", "[1]x", "{} {}", "", " ", "\0", "[1]\0", "[1]\0]", '{"a":"b\0c"}',
  "{\0}\0", "\239\187\191{}",
  '["\\ud800"]', '["\\x"]', "[1234567890123456789", "[01234567890123456789]",
  '{"a":1.}', '{"a":1,"a":2}', '{"a":"\255\192\175"}', '{"a":"\t"}', "[1" .. ("0"):rep(256) .. "]",
  ("["):rep(65) .. ("]"):rep(65), "[" .. ("1,"):rep(65535) .. "1]",
  ("["):rep(1e6), ('{"a":'):rep(1e5), ('[{"a":'):rep(1e5) .. ("1}]"):rep(1e5),
}

-- Accepted, as their values.
local TAKEN = {
  ['{"a":1e999}'] = { a = "1e999" },
  ['{"a":-1e999}'] = { a = "-1e999" },
  ['{"a":1e-999}'] = { a = 0 },
  ['{"a":"\127"}'] = { a = "\127" },
  ['{"\\u0000":"\\u0000"}'] = { ["\0"] = "\0" },
  ['{"__index":{"a":1},"__gc":true}'] = { __index = { a = 1 }, __gc = true },
  ['{"a":' .. ("9"):rep(256) .. "}"] = { a = ("9"):rep(256) },
  ['{"a":0.' .. ("9"):rep(250) .. "}"] = { a = 1 },
  ['{"a":1e' .. ("9"):rep(250) .. "}"] = { a = "1e" .. ("9"):rep(250) },
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
    assert.same({ a = "1e999" }, (request("200 OK", '{"a":1e999}')))
  end)

end)
