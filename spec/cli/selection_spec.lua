local events = require "apivideo.events"
local selection = require "apivideo.cli.selection"

local function new(patterns, where)
  return assert(selection.new(patterns, where or {}, "--events"))
end

describe("selection", function()
  it("has all events without patterns, and all types that api.video sends", function()
    local all = new {}
    assert.same(events:names(), all.types)
    assert.is_true(all:has { type = "any.thing" })
  end)

  it("has events of types and patterns", function()
    local some = new { "video.source.recorded", "live-stream.broadcast.*" }
    assert.same({ "live-stream.broadcast.ended", "live-stream.broadcast.started", "video.source.recorded" }, some.types)
    assert.is_true(some:has { type = "video.source.recorded" })
    assert.is_true(some:has { type = "live-stream.broadcast.new" })
    assert.is_false(some:has { type = "live-stream" })
    assert.is_false(some:has { type = "video.source.recorded2" })
  end)

  it("compares fields with text, numbers and booleans, without case; values of one field are alternatives", function()
    local some = new({ "*" }, { "a=1", "a=X", "b=true" })
    for _, event in ipairs { { a = 1, b = true }, { a = "1", b = "TRUE" }, { a = "x", b = true } } do
      event.type = "t"
      assert.is_true(some:has(event))
    end
    for _, event in ipairs { { a = 2, b = true }, { a = 1 }, { a = 1, b = false }, { a = { 1 }, b = true } } do
      event.type = "t"
      assert.is_false(some:has(event))
    end
    assert.is_true(new({ "*" }, { "a==" }):has { type = "t", a = "=" })
    assert.is_true(new({ "*" }, { "a=" }):has { type = "t", a = "" })
    assert.is_true(new({ "*" }, { "a=nan" }):has { type = "t", a = "nan" })
  end)

  it("rejects the beginning of types, which is taken for a pattern", function()
    for name, message in pairs {
      ["video.encoding"] = "--events: 'video.encoding' is only the beginning of video.encoding.quality.completed; for"
        .. " all that begin with it, use 'video.encoding.*'",
      ["live-stream.broadcast."] = "--events: 'live-stream.broadcast.' is only the beginning of"
        .. " live-stream.broadcast.ended, live-stream.broadcast.started; for all that begin with it,"
        .. " use 'live-stream.broadcast.*'",
    } do
      local selected, problem = selection.new({ name }, {}, "--events")
      assert.is_nil(selected)
      assert.equal(message, problem)
    end
    assert.same({ "video.enc" }, new({ "video.enc" }).types) -- may be newer than this version
  end)

  it("rejects what is no pattern or no condition", function()
    for _, pattern in ipairs { "", "video*", "*.ended", "video.*.x", "**" } do
      assert.is_nil((selection.new({ pattern }, {}, "--events")), pattern)
    end
    for _, text in ipairs { "", "a", "=1" } do assert.is_nil((selection.new({}, { text }, "--events")), text) end
  end)
end)
