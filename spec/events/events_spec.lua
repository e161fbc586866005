local cjson = require "cjson"
local errors = require "apivideo.error"
local events = require "apivideo.events"
local signature = require("apivideo.core").signature

local STARTED, QUALITY = "live-stream.broadcast.started", "video.encoding.quality.completed"

-- The key of each type's sample. The keys of handled events are in inboxes, so those of a type never change.
local KEYS = {
  ["live-stream.broadcast.ended"] = "27:live-stream.broadcast.ended24:li400mYKSgQ6xs7taUeSaEap"
    .. "30:2023-05-23T10:41:37.480116204Z",
  ["live-stream.broadcast.started"] = "29:live-stream.broadcast.started24:li400mYKSgQ6xs7taUeSaEap"
    .. "30:2023-05-23T09:29:02.154104779Z",
  ["video.caption.generated"] = "23:video.caption.generated24:vi4blUQJFrYWbaG44NCh1234"
    .. "30:caption_1CHAfLFHT5B5EV4vzT1234",
  ["video.encoding.quality.completed"] = "32:video.encoding.quality.completed"
    .. "24:vi00000000000000000000003:hls4:720p",
  ["video.source.recorded"] = "21:video.source.recorded24:vi4blUQJFrYWbaG44NChkH11",
  ["video.summary.generated"] = "23:video.summary.generated24:vi4blUQJFrYWbaG44NCh1234"
    .. "30:summary_1CGyYoB9XCgBk4iQna8ocT",
}

-- Misuse is raised at the caller.
local function assert_raises_here(message, fn)
  local ok, problem = pcall(fn)
  assert.is_false(ok)
  assert.matches("events_spec.lua:%d+: " .. message, problem)
end

describe("the catalogue", function()
  it("has the types of this list, sorted", function()
    local names = {}
    for name in pairs(KEYS) do names[#names + 1] = name end
    table.sort(names)
    assert.same(names, events:names())
  end)

  it("describes each type, and passes its own checks of definitions", function()
    for _, name in ipairs(events:names()) do
      local known = events.types[name]
      assert.matches("^%u.*%.$", known.description)
      assert.equal(name, known.sample.type)
      assert.equal("boolean", type(known.emitted_at))
      for _, field in ipairs(known.required) do assert.is_string(known.sample[field]) end
    end
    local sent = {}
    for _, name in ipairs(events:names()) do sent[name] = events.types[name] end
    assert.same(events.types, events:extend(sent).types)
  end)

  it("requires only the fields of the identity: an event that lacks another field is not lost", function()
    for _, name in ipairs(events:names()) do
      local known, expected = events.types[name], {}
      for i, field in ipairs(known.identity) do expected[i] = field end
      if known.emitted_at then expected[#expected + 1] = "emittedAt" end
      assert.same(expected, known.required)
      local event = { type = name }
      for _, field in ipairs(expected) do event[field] = known.sample[field] end
      assert.same(event, (events:parse(cjson.encode(event))))
      for field in pairs(known.sample) do event[field] = event[field] or cjson.null end
      assert.is_table((events:parse(cjson.encode(event))))
    end
  end)

  it("has the opposite of each broadcast type", function()
    for _, name in ipairs(events:names()) do
      local opposite = events.types[name].opposite
      if opposite then assert.equal(name, events.types[opposite].opposite) end
    end
    assert.equal("live-stream.broadcast.ended", events.types[STARTED].opposite)
  end)

  it("has samples with valid dates", function()
    local timestamp = require("apivideo.core").timestamp
    for _, name in ipairs(events:names()) do
      assert.is_number((timestamp(events.types[name].sample.emittedAt)))
    end
  end)

  it("has the event of the published test vector", function()
    local sample = events:sample(QUALITY)
    local fields = { "type", "emittedAt", "videoId", "liveStreamId", "encoding", "quality" }
    for i, field in ipairs(fields) do fields[i] = ("%q:%q"):format(field, sample[field]) end
    assert.equal("27a77d3a7fc626854886b5dbfae4e32c8b0170c1ea1b714c91ba77f1e7774e8c",
      signature.sign("{" .. table.concat(fields, ",") .. "}", "sig_sec_0000000000000000000000"))
  end)

  it("returns copies of its samples", function()
    local sample = events:sample(QUALITY)
    sample.videoId = "other"
    assert.equal("vi0000000000000000000000", events:sample(QUALITY).videoId)
    assert.is_nil(events:sample "video.deleted")
  end)
end)

describe("events:parse", function()
  it("returns the event", function()
    for _, name in ipairs(events:names()) do
      local event, err = events:parse(cjson.encode(events:sample(name)))
      assert.same(events:sample(name), event)
      assert.is_nil(err)
    end
    assert.same({ type = "new" }, (events:parse '{"type":"new"}'))
  end)

  it("returns an error with the field and the offset", function()
    local function err_of(raw)
      local event, err = events:parse(raw)
      assert.is_nil(event)
      assert.is_true(errors.is(err))
      assert.is_false(err.retryable)
      return err
    end
    local err = err_of '{"type":'
    assert.same({ "bad_json", nil, 8 }, { err.kind, err.field, err.offset })
    assert.matches("unexpected end of input %(at byte 8%)", tostring(err))
    err = err_of('{"type":"' .. STARTED .. '","emittedAt":""}')
    assert.same({ "bad_event", "liveStreamId", nil }, { err.kind, err.field, err.offset })
    assert.matches("bad_event: liveStreamId: required field is missing", tostring(err), 1, true)
    err = err_of('{"type":"' .. STARTED .. '","emittedAt":null,"liveStreamId":""}')
    assert.same({ "bad_event", "emittedAt", 52 }, { err.kind, err.field, err.offset })
    err = err_of "[]"
    assert.same({ "bad_event", nil, 0 }, { err.kind, err.field, err.offset })
    err = err_of(("["):rep(100))
    assert.same({ "too_large", nil, 64 }, { err.kind, err.field, err.offset })
  end)

  it("raises at the caller for a body that is not a string", function()
    for _, raw in ipairs { {}, 12, true } do
      assert_raises_here("events:parse: raw body %(string%) expected, got " .. type(raw),
        function() events:parse(raw) end)
    end
    assert.error_matches(function() events:parse() end, "not a decoded table")
  end)
end)

describe("events:key", function()
  it("consists of the type and the identifying fields", function()
    for _, name in ipairs(events:names()) do assert.equal(KEYS[name], events:key(events:sample(name))) end
  end)

  it("depends on each identifying field, and on no other field", function()
    for _, name in ipairs(events:names()) do
      local known, key = events.types[name], events:key(events:sample(name))
      local identity = { type = true, emittedAt = known.emitted_at }
      for _, field in ipairs(known.identity) do identity[field] = true end
      for field in pairs(known.sample) do
        if field ~= "type" then
          local other = events:sample(name)
          other[field] = other[field] .. "x"
          assert.equal(not identity[field], key == events:key(other), name .. "." .. field)
        end
      end
    end
  end)

  it("separates the fields", function()
    local function key(encoding, quality)
      return events:key { type = QUALITY, videoId = "v", encoding = encoding, quality = quality }
    end
    local seen = {}
    for _, pair in ipairs { { "ab", "c" }, { "a", "bc" }, { "", "abc" }, { "abc", "" }, { "a1:b", "c" },
      { "a", "b1:c" }, { "1:a", "" }, { "", "1:a" }, { "\0", "" }, { "", "\0" } } do
      local made = key(pair[1], pair[2])
      assert.is_nil(seen[made])
      seen[made] = true
    end
  end)

  it("is a hash of the bytes for a type that is not in the catalogue", function()
    local function key(raw) return events:key(events:parse(raw), raw) end
    assert.equal("3:new64:" .. signature.sign('{"type":"new"}', "new"), key '{"type":"new"}')
    assert.equal(key '{"type":"new"}', key '{"type":"new"}')
    assert.not_equal(key '{"type":"new"}', key '{"type":"new" }')
    assert.not_equal(key '{"type":"new"}', key '{"type":"newer"}')
  end)

  it("comes with the occurrence and the opposite", function()
    local started, ended = events:sample(STARTED), events:sample(STARTED)
    ended.type, ended.emittedAt = "live-stream.broadcast.ended", "later"
    local key, occurrence, opposite = events:key(started)
    assert.equal(occurrence .. "30:2023-05-23T09:29:02.154104779Z", key)
    assert.equal("29:live-stream.broadcast.started24:li400mYKSgQ6xs7taUeSaEap", occurrence)
    assert.equal("27:live-stream.broadcast.ended24:li400mYKSgQ6xs7taUeSaEap", opposite)
    assert.same({ opposite .. "5:later", opposite, occurrence }, { events:key(ended) })
    assert.is_nil((select(2, events:key(events:sample(QUALITY)))))
    local own = events:extend { on = { required = { "a", "emittedAt" }, identity = { "a" }, emitted_at = true } }
    assert.same({ "2:on1:x1:t", "2:on1:x" }, { own:key { type = "on", a = "x", emittedAt = "t" } })
  end)

  it("raises for missing fields", function()
    assert_raises_here("events:key: event must be a table, got nil", function() events:key() end)
    assert_raises_here("events:key: event.type must be a string", function() events:key {} end)
    assert_raises_here("events:key: raw %(string%) expected", function() events:key { type = "new" } end)
    assert_raises_here("events:key: event.encoding must be a string, got nil",
      function() events:key { type = QUALITY, videoId = "v" } end)
    assert_raises_here("events:key: event.emittedAt",
      function() events:key { type = STARTED, liveStreamId = "l" } end)
  end)
end)

describe("events:extend", function()
  local added, own

  before_each(function()
    added = {
      ["video.deleted"] = {
        required = { "videoId", "by", "emittedAt" }, identity = { "videoId", "by" }, emitted_at = true,
        description = "A video was deleted.", sample = { type = "video.deleted", videoId = "v" },
      },
    }
    own = events:extend(added)
  end)

  it("adds types to a copy", function()
    assert.equal(#events:names() + 1, #own:names())
    assert.is_nil(events.types["video.deleted"])
    assert.same(added["video.deleted"].sample, own:sample "video.deleted")
    local event, err = own:parse '{"type":"video.deleted","videoId":"v","emittedAt":"e"}'
    assert.is_nil(event)
    assert.equal("by", err.field)
    assert.is_table((events:parse '{"type":"video.deleted"}'))
    assert.equal("13:video.deleted1:v1:b1:e",
      own:key { type = "video.deleted", videoId = "v", by = "b", emittedAt = "e" })
    assert.equal("live-stream.broadcast.started", own:parse(cjson.encode(events:sample(STARTED))).type)
  end)

  it("copies the definitions", function()
    added["video.deleted"].required[2] = nil
    added["video.deleted"].sample.videoId = "w"
    assert.equal("by", own.types["video.deleted"].required[2])
    assert.equal("v", own:sample("video.deleted").videoId)
    own.types[QUALITY].required = {}
    assert.equal(3, #events.types[QUALITY].required)
  end)

  it("lets an application replace a type", function()
    own = events:extend { [QUALITY] = { required = { "videoId" }, identity = { "videoId" } } }
    assert.same({ type = QUALITY, videoId = "v" }, (own:parse('{"type":"' .. QUALITY .. '","videoId":"v"}')))
    assert.is_nil(own:sample(QUALITY))
    assert.same(events:names(), own:names())
  end)

  it("raises at the caller for an invalid definition, with the type's name", function()
    local function assert_raises(message, types)
      assert_raises_here("events:extend: .*" .. message, function() events:extend(types) end)
    end
    local function assert_type_raises(message, definition)
      assert_raises('"t".*' .. message, { t = definition })
    end
    assert_raises("types %(table%) expected, got nil")
    assert_raises_here("events:extend: call it with a colon", function() events.extend {} end)
    assert_raises("non%-empty string", { { required = {}, identity = {} } })
    assert_raises("non%-empty string", { [""] = { required = {}, identity = {} } })
    assert_type_raises("table", 1)
    assert_type_raises('"required"', { identity = {} })
    assert_type_raises('"identity"', { required = {} })
    assert_type_raises('"required"', { required = "x", identity = {} })
    assert_type_raises('did you mean "required"', { requried = {}, identity = {} })
    assert_type_raises("required must be a list", { required = { 1 }, identity = {} })
    assert_type_raises("required must be a list", { required = { "" }, identity = {} })
    assert_type_raises("required must be a list", { required = { a = "b" }, identity = {} })
    assert_type_raises("identity must be a list", { required = { "a" }, identity = { true } })
    assert_type_raises('"a", which is not required', { required = {}, identity = { "a" } })
    assert_type_raises("must not list type", { required = { "type" }, identity = { "type" } })
    assert_type_raises("must not list emittedAt", { required = { "emittedAt" }, identity = { "emittedAt" } })
    assert_type_raises("does not list emittedAt", { required = {}, identity = {}, emitted_at = true })
    local both = { required = { "a", "emittedAt" }, identity = { "a" }, emitted_at = true, opposite = "u" }
    assert_type_raises('"u", which is not in the catalogue', both)
    both.opposite = QUALITY
    assert_type_raises('opposite "' .. QUALITY:gsub("%p", "%%%0") .. '" must have the same identity', both)
    both.opposite = STARTED
    assert_type_raises("must have the same identity", both)
    assert_type_raises("opposite needs emitted_at = true", { required = { "a" }, identity = { "a" }, opposite = "t" })
    assert_type_raises('"opposite"', { required = {}, identity = {}, opposite = 1 })
    assert_type_raises('"emitted_at"', { required = {}, identity = {}, emitted_at = 1 })
    assert_type_raises('"sample"', { required = {}, identity = {}, sample = "x" })
  end)
end)
