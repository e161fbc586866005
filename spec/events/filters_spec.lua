local apivideo = require "apivideo"
local misuse = require "spec.support.misuse"

local QUALITY, SOURCE = "video.encoding.quality.completed", "video.source.recorded"

describe("a filter", function()
  local handlers, calls

  before_each(function()
    handlers, calls = apivideo.handlers(), {}
  end)

  local function note(name)
    return function() calls[#calls + 1] = name end
  end

  -- Dispatches an event with these fields, and returns what ran.
  local function ran(fields)
    calls = {}
    fields.type = fields.type or QUALITY
    assert(handlers:dispatch(fields, {}))
    return table.concat(calls, " ")
  end

  local function message_of(types, filter, fn)
    return misuse(function() handlers:on(types, filter, fn or print) end)
  end

  it("selects the events that have its value", function()
    handlers:on(QUALITY, { encoding = "mp4" }, note "mp4")
    assert.equal("mp4", ran { encoding = "mp4" })
    assert.equal("", ran { encoding = "hls" })
    assert.equal("", ran {})
  end)

  it("selects the events that have one of its values", function()
    handlers:on(QUALITY, { quality = { "720p", "1080p" } }, note "large")
    assert.equal("large", ran { quality = "720p" })
    assert.equal("large", ran { quality = "1080p" })
    assert.equal("", ran { quality = "240p" })
  end)

  it("selects the events that match all of its fields", function()
    handlers:on(QUALITY, { encoding = "hls", quality = { "240p", "720p" }, videoId = "vi1" }, note "all")
    assert.equal("all", ran { encoding = "hls", quality = "720p", videoId = "vi1" })
    assert.equal("", ran { encoding = "mp4", quality = "720p", videoId = "vi1" })
    assert.equal("", ran { encoding = "hls", quality = "1080p", videoId = "vi1" })
    assert.equal("", ran { encoding = "hls", quality = "720p", videoId = "vi2" })
    assert.equal("", ran { encoding = "hls", quality = "720p" })
  end)

  it("compares strings without the case of ASCII letters, on both sides", function()
    handlers:on(QUALITY, { encoding = "HLS", quality = { "720P" } }, note "hls")
    assert.equal("hls", ran { encoding = "hls", quality = "720p" })
    assert.equal("hls", ran { encoding = "Hls", quality = "720P" })
    handlers:on(QUALITY, { liveStreamId = "\195\132" }, note "umlaut") -- A with diaeresis
    assert.equal("umlaut", ran { liveStreamId = "\195\132" })
    assert.equal("", ran { liveStreamId = "\195\164" })                -- a with diaeresis
  end)

  it("compares other values by equality", function()
    handlers = apivideo.handlers { events = apivideo.events:extend {
      ["a.b"] = { required = {}, identity = {}, sample = { type = "a.b", count = 1, live = true } },
    } }
    handlers:on("a.b", { count = { 2, 3 } }, note "number"):on("a.b", { live = false }, note "boolean")
    assert.equal("number boolean", ran { type = "a.b", count = 3, live = false })
    assert.equal("", ran { type = "a.b", count = "3", live = "false" })
    assert.equal("", ran { type = "a.b", count = 4, live = true })
  end)

  it("matches no value that it does not have, whatever it is", function()
    handlers:on(QUALITY, { encoding = { "mp4", "hls" }, quality = "720p" }, note "x")
    for _, value in ipairs { 0 / 0, 1 / 0, {}, { "mp4" }, apivideo.null, true, print, "", "mp4\0", ("mp4"):rep(1e6) } do
      assert.equal("", ran { encoding = value, quality = "720p" })
      assert.equal("", ran { encoding = "mp4", quality = value })
    end
    assert.equal("x", ran { encoding = "mp4", quality = "720p" })
  end)

  it("is copied", function()
    local qualities = { "240p" }
    local filter = { quality = qualities }
    handlers:on(QUALITY, filter, note "x")
    filter.encoding, qualities[1] = "mp4", "720p"
    assert.equal("x", ran { encoding = "hls", quality = "240p" })
  end)

  it("works with lists and patterns of types, for the types that have its field", function()
    handlers:on({ SOURCE, QUALITY }, { quality = "720p" }, note "list")
    handlers:on("video.*", { quality = "720p" }, note "pattern")
    handlers:on("*", { videoId = "vi1" }, note "any")
    assert.equal("list pattern", ran { quality = "720p" })
    assert.equal("any", ran { type = SOURCE, videoId = "vi1" })
    assert.equal("pattern any", ran { type = "video.new", quality = "720p", videoId = "vi1" })
  end)

  it("keeps the order of registration", function()
    for i = 1, 9 do
      local filters = { nil, { encoding = "mp4" }, { quality = "720p", encoding = { "hls", "mp4" } } }
      handlers:on(i % 2 == 0 and QUALITY or "video.*", filters[i % 3 + 1], note(i))
    end
    assert.equal("1 2 3 4 5 6 7 8 9", ran { encoding = "mp4", quality = "720p" })
    assert.equal("2 3 5 6 8 9", ran { encoding = "hls", quality = "720p" })
    assert.equal("3 6 9", ran { encoding = "hls", quality = "240p" })
  end)

  it("leaves the events that no filter matches to otherwise", function()
    handlers:on(QUALITY, { encoding = "mp4" }, note "mp4"):otherwise(note "otherwise")
    assert.equal("otherwise", ran { encoding = "hls" })
    assert.equal("mp4", ran { encoding = "mp4" })
  end)

  it("is removed with its function", function()
    local fn = note "x"
    handlers:on(QUALITY, { encoding = "mp4" }, fn):on(QUALITY, { encoding = "hls" }, fn):on(QUALITY, fn)
    handlers:on(QUALITY, { encoding = "mp4" }, note "y")
    assert.equal("x x y", ran { encoding = "mp4" })
    assert.equal(3, handlers:off(QUALITY, fn))
    assert.equal("y", ran { encoding = "mp4" })
    assert.equal("", ran { encoding = "hls" })
    assert.equal(0, handlers:off(QUALITY, fn))
  end)

  it("registered or removed by a running handler counts for the next event", function()
    local function last() calls[#calls + 1] = "last" end
    handlers:on(QUALITY, { encoding = "mp4" }, function()
      handlers:off(QUALITY, last)
      handlers:on(QUALITY, { encoding = "mp4" }, note "late")
    end)
    handlers:on(QUALITY, { encoding = "mp4" }, last)
    assert.equal("last", ran { encoding = "mp4" })
    assert.equal("late", ran { encoding = "mp4" })
  end)

  it("costs an event that it does not match no instruction", function()
    local jit = rawget(_G, "jit")
    if jit then -- compiled code calls no hooks
      jit.off()
      jit.flush()
    end
    -- The number of instructions that a dispatch takes with this many filters that do not match the event.
    local function count(filters, event)
      handlers = apivideo.handlers():on(QUALITY, { quality = "720p" }, print):on(SOURCE, print)
      for i = 1, filters do
        handlers:on(QUALITY, { encoding = "mp4", videoId = "vi" .. i }, print)
        handlers:on("video.*", { videoId = { "vi" .. i, "other" .. i }, quality = "240p" }, print)
      end
      handlers:dispatch(event)
      local instructions = 0
      debug.sethook(function() instructions = instructions + 1 end, "", 1)
      handlers:dispatch(event)
      debug.sethook()
      return instructions
    end
    for _, event in ipairs {
      { type = QUALITY, encoding = "mp4", quality = "1080p", videoId = "VI0" },
      { type = "live-stream.broadcast.ended" },
    } do
      local few = count(10, event)
      assert.is_true(few > 10)
      assert.equal(few, count(1000, event))
    end
    if jit then jit.on() end
  end)

  it("uses bounded memory for types that the sender invents", function()
    handlers:on("video.*", { encoding = "mp4" }, note "x")
    for i = 1, 1000 do ran { type = "video." .. i, encoding = "mp4" } end
    local kept = 0
    for _ in pairs(handlers._registry.groups) do kept = kept + 1 end
    assert.is_true(kept <= 256)
    assert.equal("x", ran { encoding = "mp4" })
  end)

  it("with a field that the types do not have is misuse, which names the nearest field", function()
    local message = message_of(QUALITY, { encodin = "mp4" })
    assert.truthy(message:find('handlers:on: the filter\'s field "encodin" is in no event of ' .. QUALITY
      .. '; did you mean "encoding"? For a field that is newer than this library, ', 1, true), message)
    message = message_of({ SOURCE, "video.caption.*" }, { quality = "720p" })
    assert.truthy(message:find("known: captionId, emittedAt, generationMode, language, liveStreamId, type, videoId", 1,
      true), message)
    assert.equal("", ran { encoding = "mp4" })
  end)

  it("may have each field of the application's types", function()
    handlers = apivideo.handlers { events = apivideo.events:extend {
      ["video.renamed"] = { required = { "videoId" }, identity = { "videoId" }, sample = { title = "x" } },
    } }
    handlers:on("video.renamed", { title = "new", videoId = "vi1", emittedAt = "x", type = "video.renamed" }, print)
    assert.truthy(message_of("video.renamed", { titel = "x" }):find('did you mean "title"?', 1, true))
  end)

  it("of another form is misuse, with a remedy", function()
    for text, filter in pairs {
      ["handlers:on: the filter must be a table of fields, got string"] = "mp4",
      ["handlers:on: the filter is empty, so it has no effect; omit it"] = {},
      ["handlers:on: a field name of the filter must be a string, got number; write { field = value }"] = { "mp4" },
      ['handlers:on: the filter\'s field "encoding" must be a string, a number, a boolean, or a list of these,'
        .. " got function"] = { encoding = print },
      ['handlers:on: the filter\'s field "quality" must be a string, a number, a boolean, or a list of these,'
        .. " got userdata in the list"] = { quality = { "240p", apivideo.null } },
      ['handlers:on: the filter\'s field "quality" must be a string, a number, a boolean, or a list of these,'
        .. " got table in the list"] = { quality = { { "240p" } } },
      ['handlers:on: the filter\'s field "quality" has an empty list, which matches nothing'] = { quality = {} },
      ['handlers:on: the filter\'s field "language" is not a number, which equals nothing'] = { language = 0 / 0 },
    } do
      local message = message_of({ QUALITY, "video.*" }, filter)
      assert.truthy(message:find(text, 1, true), message)
    end
    local message = message_of(QUALITY, { quality = { a = "240p" } })
    assert.truthy(message:find('"quality" must be', 1, true), message)
    message = misuse(function() handlers:on(QUALITY, print, { encoding = "mp4" }) end)
    assert.truthy(message:find("the filter must be a table of fields, got function; write on(types, filter, fn)", 1,
      true), message)
    message = misuse(function() handlers:on(QUALITY, { encoding = "mp4" }) end)
    assert.truthy(message:find("a function expected, got nil", 1, true), message)
  end)
end)
