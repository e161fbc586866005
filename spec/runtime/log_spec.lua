-- The log of the process: levels, formats, and where the lines go.

local apivideo = require "apivideo"
local json = require "apivideo.util.json"
local log = require "apivideo.runtime.log"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"
local stderr = require "spec.support.stderr"

local LEVELS = { "debug", "info", "warn", "error" }
local TIME = "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$"

-- Logs a line of each level.
local function log_all()
  for _, level in ipairs(LEVELS) do log[level]("at " .. level) end
end

describe("the log", function()
  local lines

  local function configure(options)
    lines = {}
    options.write = options.write or function(line) lines[#lines + 1] = line end
    apivideo.log(options)
  end

  after_each(function() apivideo.log {} end)

  it("has warnings and errors by default, on stderr, with the time and the level", function()
    local written = stderr.of(log_all)
    assert.equal(2, #written)
    local time, rest = written[1]:match "^(%S+) (.*)$"
    assert.truthy(time:find(TIME), time)
    assert.equal("warn apivideo: at warn\n", rest)
    assert.equal("error apivideo: at error\n", written[2]:match "^%S+ (.*)$")
  end)

  it("has the time in UTC #process", function()
    local before = os.time()
    local output = process.run({ "-e", 'require "apivideo"; require("apivideo.runtime.log").error "x"' }, "TZ=UTC-9")
    local seconds = apivideo.timestamp(output:match "^%S+")
    assert.is_true(seconds >= before and seconds <= os.time(), output)
  end)

  it("has the lines of its level and of those above", function()
    for first, level in ipairs(LEVELS) do
      configure { level = level }
      log_all()
      assert.equal(#LEVELS - first + 1, #lines)
      assert.equal(level .. " apivideo: at " .. level, lines[1]:match "^%S+ (.*)$")
      for i, name in ipairs(LEVELS) do assert.equal(i >= first, log.enabled[name]) end
    end
  end)

  it("has the defaults again for options that are left out", function()
    configure { level = "debug", format = "json" }
    apivideo.log {}
    local written = stderr.of(log_all)
    assert.equal(2, #written)
    assert.truthy(written[1]:find("apivideo: at warn\n", 1, true))
    assert.equal(0, #lines)
  end)

  it("shows fields after the message, and quotes values that are not words", function()
    configure {}
    log.warn("it broke", { "type", "video.source.recorded", "attempt", 3, "lane", "a b", "note", 'say "\\"', "no", "" })
    assert.equal([[apivideo: it broke type=video.source.recorded attempt=3 lane="a b" note="say \"\\\"" no=""]],
      lines[1]:match "^%S+ %S+ (.*)$")
  end)

  it("writes JSON objects whose members have a fixed order", function()
    configure { format = "json" }
    log.warn("it broke", { "type", "x", "attempt", 3, "videoId", 'a"b' })
    local order = {}
    for name in lines[1]:gmatch '"(%w+)":' do order[#order + 1] = name end
    assert.equal("time level message type attempt videoId", table.concat(order, " "))
    local record = assert(json.decode(lines[1]))
    assert.truthy(record.time:find(TIME), record.time)
    record.time = nil
    assert.same({ level = "warn", message = "it broke", type = "x", attempt = 3, videoId = 'a"b' }, record)
  end)

  it("has lines that no text can break, in both formats", function()
    for _, format in ipairs { "text", "json" } do
      configure { format = format }
      log.warn("a\nb\r\0c\255\192\128d \237\160\128 \195\164 \240\159\142\172",
        { "type", "x\ny\254", "key", ("k"):rep(1000) })
      assert.is_nil(lines[1]:find "[%z\1-\31]")
      local text = format == "json" and assert(json.decode(lines[1])).message or lines[1]
      assert.truthy(text:find("a b c\239\191\189", 1, true), text)
      assert.truthy(text:find("d \239\191\189", 1, true), text)
      assert.truthy(text:find("\195\164 \240\159\142\172", 1, true), text)
      assert.truthy(lines[1]:find("x y\239\191\189", 1, true), lines[1])
      assert.is_true(#lines[1] < 500)
    end
  end)

  it("has no secrets", function()
    for _, format in ipairs { "text", "json" } do
      configure { format = format }
      log.error("with sig_sec_abcdef", { "type", "sig_sec_ghijkl", "key", "Bearer abcdefghijklmnopqrstuvwxyz0123456" })
      assert.is_nil(lines[1]:find "abcdef")
      assert.is_nil(lines[1]:find "ghijkl")
      assert.truthy(lines[1]:find("sig_sec_***", 1, true))
    end
  end)

  it("goes to stderr if write raises, with the reason", function()
    configure { write = function() error "the disk is full of sig_sec_abcdef" end }
    local written = stderr.of(function() log.warn("it broke", { "type", "x" }) end)
    assert.equal(2, #written)
    assert.truthy(written[1]:find("Z warn apivideo: it broke type=x\n", 1, true), written[1])
    local _, message = written[2]:match '^(%S+) error apivideo: log: option "write" failed: (.*)\n$'
    assert.truthy(message and message:find "log_spec.lua:%d+: the disk is full of ", written[2])
    assert.is_nil(written[2]:find("abcdef", 1, true))
  end)

  it("is not broken by a write that raises nil, yields, or logs", function()
    local depth = 0
    for _, write in ipairs {
      function() error() end,
      function() error(setmetatable({}, { __tostring = error })) end,
      coroutine.yield,
      function()
        depth = depth + 1
        log.warn "again"
        error "it broke"
      end,
    } do
      configure { write = write }
      stderr.of(function()
        local co = coroutine.create(function()
          log.warn "a line"
          return "done"
        end)
        local ok, result = coroutine.resume(co)
        assert.is_true(ok, tostring(result))
      end)
    end
    assert.equal(1, depth)
  end)

  it("goes to stderr if write itself logs", function()
    local calls = 0
    configure { write = function()
      calls = calls + 1
      for _ = 1, calls < 1000 and 2 or 0 do log.warn "in write" end
    end }
    for number = 1, 2 do
      local written = stderr.of(function() log.warn "it broke" end)
      assert.equal(number, calls)
      assert.equal(2, #written)
      assert.truthy(written[1]:find("warn apivideo: in write\n", 1, true), written[1])
    end
  end)

  it("is not broken by a stderr that is closed", function()
    local real = io.stderr
    io.stderr = { write = function() error "attempt to use a closed file" end } -- luacheck: ignore
    local ok, err = pcall(log.error, "x")
    io.stderr = real -- luacheck: ignore
    assert.is_true(ok, tostring(err))
  end)

  it("raises for misuse, with a remedy, and keeps its settings", function()
    configure { level = "error" }
    local write = lines
    for expected, options in pairs {
      ['log: option "level" must be "debug", "info", "warn" or "error", got "warning"'] = { level = "warning" },
      ['got "eror"; did you mean "error"?'] = { level = "eror" },
      ['log: option "level" must be a string, got number'] = { level = 3 },
      ['log: option "format" must be "text" or "json", got "JSON"; did you mean "json"?'] = { format = "JSON" },
      ['log: option "write" must be a function, got string'] = { write = "file" },
      ['log: unknown option "lvel"; did you mean "level"?'] = { lvel = "warn" },
    } do
      local message = misuse(function() apivideo.log(options) end)
      assert.truthy(message:find(expected, 1, true), message)
    end
    for _, wrong in ipairs { 5, "warn", function() end } do
      local message = misuse(function() apivideo.log(wrong) end)
      assert.truthy(message:find("log: a table of options expected, got " .. type(wrong), 1, true), message)
    end
    assert.is_false(pcall(apivideo.log))
    log_all()
    assert.equal(1, #write)
  end)
end)
