-- event.compile and the parser that it returns: which JSON is an event, and the resulting table. json_spec is about
-- JSON itself.

local catalogue = require "apivideo.events"
local cjson = require "cjson"
local event = require("apivideo.core").event
local gc = require "spec.support.gc"

local STARTED, QUALITY = "live-stream.broadcast.started", "video.encoding.quality.completed"
local parse = event.compile(catalogue.types)

local function samples()
  local list = {}
  for i, name in ipairs(catalogue:names()) do list[i] = cjson.encode(catalogue:sample(name)) end
  return list
end

local function assert_bad(raw, kind, field, offset)
  local got = { n = 5, parse(raw) }
  assert.is_nil(got[1], raw)
  assert.equal(kind, got[2], raw)
  assert.is_string(got[3])
  assert.equal(field, got[4], raw)
  assert.equal(offset, got[5], raw)
end

describe("an event", function()
  it("of each type is read as the table of its sample", function()
    for _, name in ipairs(catalogue:names()) do
      assert.same(catalogue:sample(name), (parse(cjson.encode(catalogue:sample(name)))))
    end
  end)

  it("may have its fields in any order", function()
    assert.same({ type = STARTED, emittedAt = "e", liveStreamId = "l" },
      (parse('{"liveStreamId":"l","emittedAt":"e","type":"' .. STARTED .. '"}')))
  end)

  it("keeps unknown fields, and omits null", function()
    local got = parse('{"type":"' .. STARTED .. [[","emittedAt":"e","liveStreamId":"l","new":{"a":[1,true,"x"]},]]
      .. [["count":7,"gone":null,"flag":false,"videoId":null,"quality":{"height":1080,"gone":null},"":"empty"}]])
    assert.same({
      type = STARTED, emittedAt = "e", liveStreamId = "l", new = { a = { 1, true, "x" } }, count = 7,
      flag = false, quality = { height = 1080 }, [""] = "empty",
    }, got)
  end)

  it("of an unknown type needs only the type", function()
    assert.same({ type = "video.deleted" }, (parse '{"type":"video.deleted"}'))
    assert.same({ type = "video.deleted", emittedAt = 3, videoId = {} },
      (parse '{"type":"video.deleted","emittedAt":3,"videoId":{},"quality":null}'))
    assert.same({ type = ("t"):rep(1000) }, (parse('{"type":"' .. ("t"):rep(1000) .. '"}')))
    assert.same({ type = "\0" }, (parse [[{"type":"\u0000"}]]))
    assert.same({ type = STARTED .. "\0" }, (parse('{"type":"' .. STARTED .. [[\u0000"}]])))
    assert.same({ type = STARTED:upper() }, (parse('{"type":"' .. STARTED:upper() .. '"}')))
  end)

  it("keeps an emittedAt that is not a date", function()
    for _, date in ipairs { "2024-08-151T10:18:47+00:00", "", "yesterday" } do
      local got = parse(('{"type":"%s","emittedAt":"%s","liveStreamId":"l"}'):format(STARTED, date))
      assert.equal(date, got.emittedAt)
    end
  end)

  it("may spell its names and its type with escapes", function()
    local escaped = STARTED:gsub("[a-m]", function(c) return ("\\u%04x"):format(c:byte()) end)
    assert.same({ type = STARTED, emittedAt = "e", liveStreamId = "l" },
      (parse([[{"\u0074ype":"]] .. escaped .. [[","emitted\u0041t":"e","\u006civeStreamI\u0064":"l"}]])))
    assert_bad([[{"\u0074ype":"]] .. escaped .. [[","emitted\u0041t":"e"}]], "bad_event", "liveStreamId")
  end)

  it("may have as many values as fit into its bytes, complete or truncated", function()
    for _, dense in ipairs { "0,", "[],", "{},", '"",', '{"":0},' } do
      for _, depth in ipairs { 0, 1, 61 } do
        local open, close = ("["):rep(depth), ("]"):rep(depth)
        local raw = '{"type":"x","a":' .. open .. "[" .. dense:rep(100) .. "0]" .. close .. "}"
        assert.equal("x", assert(parse(raw)).type)
        assert.equal("bad_json", select(2, parse(raw:sub(1, -3 - depth))))
      end
    end
  end)

  it("may have more fields than any documented event", function()
    local fields, expected = { '"type":"x"' }, { type = "x" }
    for i = 1, 400 do
      fields[#fields + 1] = ('"f%d":["%d",{"n":%d}]'):format(i, i, i)
      expected["f" .. i] = { tostring(i), { n = i } }
    end
    assert.same(expected, (parse("{" .. table.concat(fields, ",") .. "}")))
  end)
end)

describe("an invalid event", function()
  it("has no type", function()
    assert_bad("{}", "bad_event", "type")
    assert_bad('{"Type":"x"}', "bad_event", "type")
    assert_bad('{"a":{"type":"x"}}', "bad_event", "type")
    assert_bad('{"type ":"x"}', "bad_event", "type")
    assert_bad([[{"type\u0000":"x"}]], "bad_event", "type")
  end)

  it("has a type that is not a non-empty string", function()
    for _, value in ipairs { "null", "1", "true", "[]", "{}", '["x"]', '""' } do
      assert_bad('{"type":' .. value .. "}", "bad_event", "type", 8)
      assert_bad('{"a":1,"type": ' .. value .. "}", "bad_event", "type", 15)
    end
  end)

  it("of a known type lacks a required field, or has one that is not a string", function()
    for _, name in ipairs(catalogue:names()) do
      for _, field in ipairs(catalogue.types[name].required) do
        local sample = catalogue:sample(name)
        sample[field] = nil
        assert_bad(cjson.encode(sample), "bad_event", field)
        for _, value in ipairs { cjson.null, 1, true, { 1 }, { a = "b" } } do
          sample[field] = value
          local raw = cjson.encode(sample)
          local _, after = raw:find('"' .. field .. '":', 1, true)
          assert_bad(raw, "bad_event", field, after)
        end
        sample[field] = "" -- a string
        assert.is_table((parse(cjson.encode(sample))))
      end
    end
  end)

  it("is reported with the first missing field in the schema's order", function()
    for _, name in ipairs(catalogue:names()) do
      assert_bad('{"type":"' .. name .. '"}', "bad_event", catalogue.types[name].required[1])
    end
  end)

  it("is reported as malformed JSON first", function()
    assert_bad('{"type":null,', "bad_json", nil, 13)
    assert_bad("[1,", "bad_json", nil, 3)
    assert_bad('{"type":"x"}}', "bad_json", nil, 12)
  end)

  it("has a duplicate member", function()
    local base = '{"type":"' .. STARTED .. '","emittedAt":"e","liveStreamId":"l"'
    for _, again in ipairs {
      '"type":"x"', '"type":null', [["\u0074ype":"x"]], '"emittedAt":"e"', '"liveStreamId":null',
      [["liveStream\u0049d":"l"]], [["\u006C\u0069\u0076\u0065\u0053treamId":"l"]],
    } do
      assert_bad(base .. "," .. again .. "}", "bad_json", nil, #base + 1)
      local before = "{" .. again .. ","
      assert_bad(before .. base:sub(2) .. "}", "bad_json", nil,
        #before + (again:find("ype", 1, true) and 0 or again:find("emitted", 1, true) and #STARTED + 10
          or #STARTED + 26))
    end
    assert_bad(base .. ',"new":1,"new":null}', "bad_json", nil, #base + 9)
    assert_bad(base .. ',"new":{"type":1,"type":1}}', "bad_json", nil, #base + 17)
    assert.is_table((parse(base .. ',"new":{"type":1,"emittedAt":null}}')))
  end)

  it("is a sample truncated at any byte", function()
    for _, raw in ipairs(samples()) do
      for length = 0, #raw - 1 do
        local got, kind, _, _, offset = parse(raw:sub(1, length))
        assert.is_nil(got)
        assert.equal("bad_json", kind)
        assert.equal(length, offset)
      end
    end
  end)
end)

describe("a sample with any byte changed", function()
  -- Our parser rejects everything that cjson rejects; both read the same table from everything that ours accepts.
  local decoder = cjson.new()
  decoder.decode_invalid_numbers(false)

  local function without_null(value)
    if type(value) ~= "table" then return value end
    local copy = {}
    for key, item in pairs(value) do
      if item ~= cjson.null then copy[key] = without_null(item) end
    end
    return copy
  end

  local function agree(raw, counts)
    local ours, kind = parse(raw)
    local ok, theirs = pcall(decoder.decode, raw)
    if ours then
      counts.taken = counts.taken + 1
      assert(ok, raw)
      assert.same(without_null(theirs), ours)
    else
      counts[kind] = (counts[kind] or 0) + 1
      assert(ok or kind == "bad_json", raw)
    end
  end

  it("is rejected, or read as cjson reads it", function()
    local counts = { taken = 0 }
    -- Lua 5.1 hashes only some bytes of a string, and compares strings of the same hash one by one. It has the more of
    -- them the more memory earlier specs have used.
    local hashes_all = _VERSION ~= "Lua 5.1" or rawget(_G, "jit")
    local step = (os.getenv "APIVIDEO_SLOW" or not hashes_all) and 17 or 1
    for _, raw in ipairs(samples()) do
      for at = 1, #raw, step > 1 and 5 or 1 do
        for byte = at % step, 255, step do
          agree(raw:sub(1, at - 1) .. string.char(byte) .. raw:sub(at + 1), counts)
        end
      end
    end
    assert(counts.taken > 0 and counts.bad_json > 0 and counts.bad_event > 0)
  end)

  it("or removed, or inserted, likewise", function()
    local counts = { taken = 0 }
    for _, raw in ipairs(samples()) do
      for at = 1, #raw do
        agree(raw:sub(1, at - 1) .. raw:sub(at + 1), counts)
        for byte in ('"\\{}[]:,0 \n\0\127\255'):gmatch "." do
          agree(raw:sub(1, at - 1) .. byte .. raw:sub(at), counts)
        end
      end
    end
    assert(counts.taken > 0)
  end)
end)

describe("a parser", function()
  it("reports correct offsets in ten megabytes", function()
    local size = os.getenv "APIVIDEO_SLOW" and 1e6 or 1e7
    local space = (" "):rep(size)
    assert.same({ type = "x" }, (parse(space .. '{"type":"x"}' .. space)))
    assert_bad(space .. "{", "bad_json", nil, size + 1)
    assert_bad('{"type":"x"}' .. space .. "!", "bad_json", nil, size + 12)
    assert_bad('{"a":"' .. ("x"):rep(size) .. '","type":1}', "bad_event", "type", size + 15)
    assert_bad(("\0"):rep(size), "bad_json", nil, 0)
    assert_bad('{"type":"' .. ("x"):rep(size), "bad_json", nil, size + 9)
    assert_bad(("["):rep(size), "too_large", nil, 64)
  end)

  it("raises an error for values that are not strings, and says why", function()
    local wrong = { { {}, "table" }, { 12, "number" }, { true, "boolean" }, { nil, "nil" }, { print, "function" } }
    for _, case in ipairs(wrong) do
      local ok, message = pcall(parse, case[1])
      assert.is_false(ok)
      assert.matches("raw body %(string%) expected, got " .. case[2], message)
      assert.matches("not a decoded table", message)
    end
    assert.error_matches(function() parse() end, "raw body %(string%) expected, got no value")
  end)

  it("works while the collector runs all the time", function()
    local raws = samples()
    raws[#raws + 1] = [[{"type":"\u0078\n","a":[1,"\u00e9",{"b":[null,2.5]}],"c":"]] .. ("\\t"):rep(500) .. '"}'
    raws[#raws + 1] = '{"type":"x","v":[' .. ('{"a":"b"},'):rep(500) .. "1]}"
    local expected = {}
    for i, raw in ipairs(raws) do expected[i] = parse(raw) end
    local got = {}
    local restore = gc.set(0) -- a collection cycle begins as soon as one ends
    for round = 1, 20 do
      local own = event.compile(catalogue.types)
      for i, raw in ipairs(raws) do
        collectgarbage("step")
        got[#raws * (round - 1) + i] = own(raw)
        collectgarbage("step", 100)
        assert(not own(raw:sub(1, -2)))
      end
    end
    restore()
    assert.equal(20 * #raws, #got)
    for i, result in ipairs(got) do assert.same(expected[(i - 1) % #raws + 1], result) end
  end)

  it("keeps its names when the schema's table is collected", function()
    local types = { ["my." .. tostring({})] = { required = { "field" .. tostring({}) } } }
    local name, definition = next(types)
    local field = definition.required[1]
    local own = event.compile(types)
    types, definition = nil, nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    local raw = cjson.encode { type = name, [field] = "v" }
    assert.same({ type = name, [field] = "v" }, (own(raw)))
    assert.equal(field, select(4, own(cjson.encode { type = name })))
  end)

  it("keeps the bytes of equal names that are different strings", function()
    local function name() return ("f"):rep(50) end -- Lua 5.2 and later create a new string each time
    local function compiled()
      return event.compile { a = { required = { name() } }, b = { required = { name() } } }
    end
    local own = compiled()
    collectgarbage()
    collectgarbage()
    local others = {}
    for i = 1, 1000 do others[i] = ("g"):rep(50) .. i end -- reuses the memory that was freed
    assert.equal(1000, #others)
    for _, known in ipairs { "a", "b" } do
      assert.equal(name(), select(4, own('{"type":"' .. known .. '"}')))
      assert.same({ type = known, [name()] = "v" }, (own(('{"type":"%s","%s":"v"}'):format(known, name()))))
    end
  end)

  -- A write beyond the stack crashes Lua 5.1 at some later time; `make check-memory` detects the first one.
  it("stays within Lua's stack for escaped strings of any depth and length", function()
    local string = "\\n" .. ("x"):rep(90000)
    -- Every depth where the buffers of lauxlib take stack slots; elsewhere only some, since long strings are slow in
    -- LuaJIT.
    for depth = 5, 60, _VERSION == "Lua 5.1" and not rawget(_G, "jit") and 1 or 11 do
      local raw = '{"type":"a","v":' .. ("["):rep(depth) .. '{"a":"' .. string .. '"}' .. ("]"):rep(depth) .. "}"
      local value = select(2, assert(coroutine.resume(coroutine.create(function() return parse(raw) end)))).v
      for _ = 1, depth do value = value[1] end
      assert.equal("\n" .. ("x"):rep(90000), value.a)
    end
  end)

  it("decodes escaped strings of every length around the size of its buffer", function()
    for length = 500, 520 do
      for _, escape in ipairs { [[\n]], [[\u00e9]], [[\ud83d\ude00]] } do
        local text = ("x"):rep(length)
        local got = parse('{"type":"a","v":"' .. text .. escape .. '","w":"' .. escape .. text .. '"}')
        local decoded = got.v:sub(length + 1)
        assert.same({ type = "a", v = text .. decoded, w = decoded .. text }, got)
        assert.equal(cjson.decode('["' .. escape .. '"]')[1], decoded)
      end
    end
  end)

  it("sets the metatable of lists on arrays at every depth, and no metatable on objects", function()
    local got = parse '{"type":"a","v":[],"w":[{"x":[[]]}],"o":{}}'
    for _, list in ipairs { got.v, got.w, got.w[1].x, got.w[1].x[1] } do
      assert.equal(require("apivideo.core").json.list, getmetatable(list))
    end
    for _, object in ipairs { got, got.o, got.w[1] } do assert.is_nil(getmetatable(object)) end
  end)

  it("does not leak memory", function()
    local raws = samples()
    local function run()
      for _ = 1, 200 do
        for _, raw in ipairs(raws) do parse(raw) parse(raw .. "x") end
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage("count")
    end
    local before = run()
    assert(run() < before + 16)
  end)
end)

describe("event.compile", function()
  it("accepts an empty schema, and types without required fields", function()
    assert.same({ type = QUALITY }, (event.compile {}('{"type":"' .. QUALITY .. '"}')))
    local own = event.compile { a = { required = {} } }
    assert.same({ type = "a" }, (own('{"type":"a"}')))
  end)

  it("accepts 64 fields, including `type`, and 128 types", function()
    local types, fields = {}, {}
    for i = 1, 63 do fields[i] = "field" .. i end
    for i = 1, 128 do types["type" .. i] = { required = { fields[i % 63 + 1], "type" } } end
    types.type1.required = fields
    local own = event.compile(types)
    for i = 2, 128 do
      local full = { type = "type" .. i, [fields[i % 63 + 1]] = "v" }
      assert.same(full, (own(cjson.encode(full))))
      assert.equal(fields[i % 63 + 1], select(4, own('{"type":"type' .. i .. '"}')))
    end
    local full = { type = "type1" }
    for _, field in ipairs(fields) do full[field] = field end
    assert.same(full, (own(cjson.encode(full))))
    for _, field in ipairs(fields) do
      full[field] = nil
      assert.equal(field, select(4, own(cjson.encode(full))))
      full[field] = field
    end
    types.type129 = { required = {} }
    assert.error_matches(function() event.compile(types) end, "too many types")
    types.type129, fields[64] = nil, "field64"
    assert.error_matches(function() event.compile(types) end, "too many fields")
  end)

  it("raises an error for an invalid schema", function()
    local long = ("x"):rep(129)
    for _, case in ipairs {
      { nil, "table expected" }, { "x", "table expected" },
      { { { required = {} } }, "type name %(string%)" }, { { a = 1 }, "definition %(table%)" },
      { { [""] = { required = {} } }, "type name is empty" },
      { { [long] = { required = {} } }, "too long" },
      { { a = {} }, "`required`" }, { { a = { required = "x" } }, "`required`" },
      { { a = { required = { 1 } } }, "names of fields only" },
      { { a = { required = { "" } } }, "names of fields only" },
      { { a = { required = { {} } } }, "names of fields only" }, { { a = { required = { long } } }, "too long" },
    } do
      assert.error_matches(function() event.compile(case[1]) end, case[2])
    end
    assert.is_function(event.compile { [("x"):rep(128)] = { required = { ("y"):rep(128) } } })
  end)
end)
