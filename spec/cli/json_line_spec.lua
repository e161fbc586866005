local cjson = require "cjson"
local json = require "apivideo.util.json"
local json_line = require "apivideo.cli.json_line"

describe("a JSON line", function()
  it("has its members sorted by name, and slashes as they are", function()
    assert.equal('{"a":"x/y","b":[1,{"c":true,"d":false}],"z":null}',
      json_line.encode { z = json.null, b = { 1, { d = false, c = true } }, a = "x/y" })
  end)

  it("has lists as lists, also empty ones", function()
    assert.equal('{"data":[],"more":{}}', json_line.encode { data = json.array {}, more = {} })
    assert.equal('{"tags":[]}', json_line.encode(json.decode '{"tags":[]}'))
  end)

  it("has numbers without an exponent or superfluous digits where it can", function()
    assert.equal("[100000000000000,0.1,-1.5,9007199254740991]", json_line.encode { 1e14, 0.1, -1.5, 2 ^ 53 - 1 })
    assert.equal("0.0012345678901235", json_line.encode(0.00123456789012345678))
    assert.equal("[null,null]", json_line.encode { 0 / 0, math.huge })
  end)

  it("has text with any bytes as valid JSON", function()
    local text = "\0\1\31\"\\/\127é\255\194"
    local decoded = cjson.decode(json_line.encode { text = text }).text
    assert.equal("\0\1\31\"\\/\127é\239\191\189\239\191\189", decoded)
  end)

  it("is indented for people", function()
    assert.equal('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}',
      json_line.indented { b = json.array {}, a = { 1, {} } })
    assert.equal("1", json_line.indented(1))
  end)
end)
