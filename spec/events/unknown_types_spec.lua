-- Each name is warned about once in a process, so each spec has names of its own.

local apivideo = require "apivideo"
local misuse = require "spec.support.misuse"
local stderr = require "spec.support.stderr"

local QUALITY = "video.encoding.quality.completed"

describe("handlers of a type that the catalogue does not have", function()
  local handlers

  before_each(function() handlers = apivideo.handlers() end)

  -- What is logged when functions for these types are registered.
  local function warning(...)
    local names = { ... }
    return table.concat(stderr.of(function() handlers:on(names, function() end) end))
  end

  it("are registered, with a warning that names the most similar type", function()
    assert.equal('warn apivideo: handlers:on: "video.encoding.quality.complete" is not a known event type (did you mean'
      .. ' "' .. QUALITY .. '"?); the function is registered anyway. If the type is newer than this library, add it'
      .. " with events:extend\n", warning "video.encoding.quality.complete":match "^%S+ (.*)$")
    assert.equal(1, handlers:dispatch { type = "video.encoding.quality.complete" })
    assert.truthy(warning "nothing.like.it":find("(known: live-stream.broadcast.ended, ", 1, true))
    assert.truthy(warning "vide.*":find('"vide.*" is not a known event type (did you mean "video.*"?)', 1, true))
    assert.truthy(warning "player.*":find('"player.*" is not a known event type (known: ', 1, true))
    assert.equal(1, handlers:dispatch { type = "vide.x" })
    assert.truthy(warning "video*":find('a pattern is "*", or ends in ".*", such as "video.*"', 1, true))
    assert.truthy(warning "*.completed":find('a pattern is "*", or ends in ".*", such as "video.*"', 1, true))
  end)

  it("are warned about once for each name", function()
    assert.truthy(warning("once.a", QUALITY, "once.b", "once.a"):find 'once%.a.*\n.*once%.b.*\n$')
    handlers = apivideo.handlers()
    assert.equal("", warning("once.a", "once.b"))
  end)

  it("use bounded memory for the names", function()
    local names = {}
    for i = 1, 300 do names[i] = "bounded." .. i end
    warning((unpack or table.unpack)(names)) -- luacheck: std max
    assert.truthy(warning "bounded.1":find("bounded.1", 1, true)) -- forgotten
  end)

  it("are misuse with strict = true", function()
    handlers = apivideo.handlers { strict = true }
    local message = misuse(function() handlers:on({ QUALITY, "video.encoding.quality.complet" }, print) end)
    assert.truthy(message:find('handlers:on: "video.encoding.quality.complet" is not a known event type (did you mean'
      .. ' "' .. QUALITY .. '"?). If it is newer than this library, add it with events:extend, or omit strict', 1,
      true), message)
    assert.equal(0, handlers:dispatch { type = QUALITY })
    assert.equal("", warning(QUALITY, "video.*", "*"))
    assert.is_false(pcall(apivideo.handlers, { strict = "yes" }))
  end)

  it("are neither registered nor warned about if another argument is wrong", function()
    local written = table.concat(stderr.of(function()
      assert.is_false(pcall(handlers.on, handlers, { "wrong.a", 5 }, print))
      assert.is_false(pcall(handlers.on, handlers, "wrong.a"))
      assert.is_false(pcall(handlers.on, handlers, "wrong.a", {}, print))
    end))
    assert.equal("", written)
    assert.equal(0, handlers:dispatch { type = "wrong.a" })
  end)

  it("may have a filter with any field", function()
    local count = 0
    stderr.of(function() handlers:on("new.type", { title = "X" }, function() count = count + 1 end) end)
    handlers:dispatch { type = "new.type", title = "x" }
    handlers:dispatch { type = "new.type", title = "y" }
    assert.equal(1, count)
  end)

  it("are known if the application adds the type", function()
    handlers = apivideo.handlers { strict = true, events = apivideo.events:extend {
      ["added.type"] = { required = {}, identity = {} },
    } }
    assert.equal("", warning "added.type")
  end)
end)
