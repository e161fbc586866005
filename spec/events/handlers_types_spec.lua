local apivideo = require "apivideo"
local running = require "spec.support.running"
local stderr = require "spec.support.stderr"
local syncing = require "spec.support.syncing"

local QUALITY, RECORDED, CAPTION, SUMMARY = syncing.QUALITY, syncing.RECORDED, syncing.CAPTION, syncing.SUMMARY
local STARTED, ENDED = "live-stream.broadcast.started", "live-stream.broadcast.ended"

local function ignore() end

-- The types of the catalogue that begin with a text, and others, sorted.
local function catalogued(prefix, ...)
  local list = { ... }
  for _, name in ipairs(apivideo.events:names()) do
    if name:sub(1, #prefix) == prefix then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

-- Handlers of these types and patterns.
local function handlers_of(...)
  local handlers, names = apivideo.handlers(), { ... }
  stderr.of(function()
    if names[1] then handlers:on(names, ignore) end
  end)
  return handlers
end

describe("handlers:types", function()
  it("is a sorted list of the types with a function, each once", function()
    assert.same({}, handlers_of():types())
    assert.same({ QUALITY, RECORDED }, handlers_of(RECORDED, QUALITY, RECORDED):types())
    assert.same({ QUALITY }, handlers_of():on(QUALITY, { encoding = "mp4" }, ignore):types())
  end)

  it("has the types of the catalogue that a pattern matches", function()
    assert.same(catalogued "video.", handlers_of("video.*", QUALITY):types())
    assert.same({ ENDED, STARTED }, handlers_of("live-stream.broadcast.*"):types())
    assert.same(apivideo.events:names(), handlers_of("*"):types())
  end)

  it("has registered types that the catalogue does not have, but not patterns", function()
    assert.same({ "a.new", QUALITY, "z.new" }, handlers_of("z.new", QUALITY, "a.new", "other.*"):types())
  end)

  it("has the application's types", function()
    local handlers = apivideo.handlers { events = apivideo.events:extend {
      ["video.renamed"] = { required = {}, identity = {} },
    } }
    assert.same(catalogued("video.", "video.renamed"), handlers:on("video.*", ignore):types())
  end)

  it("has no type whose functions were removed, nor those of otherwise", function()
    local handlers = handlers_of(QUALITY, "live-stream.*"):otherwise(ignore)
    handlers:off({ QUALITY, "live-stream.*" }, ignore)
    assert.same({}, handlers:types())
  end)
end)

describe("webhooks:sync with handlers", function()
  local client

  before_each(function() client = select(2, syncing.start()) end)
  after_each(running.stop)

  -- What a dry run logs, and its plan.
  local function warnings(handlers, ...)
    local wanted, plan = { ... }, nil
    local written = stderr.of(function()
      plan = assert(client.webhooks:sync(wanted, { dry_run = true, handlers = handlers }))
    end)
    return table.concat(written), plan
  end

  it("takes the list of their types", function()
    local handlers = handlers_of("video.*")
    local written, plan = warnings(handlers, { url = "https://example.com/", events = handlers:types() })
    assert.equal("", written)
    assert.same(catalogued "video.", plan.create[1].events)
  end)

  it("warns about subscribed types that have no handler", function()
    local handlers = handlers_of(QUALITY)
    local written, plan = warnings(handlers, syncing.want("a", QUALITY, SUMMARY), syncing.want("b", RECORDED, SUMMARY))
    assert.equal("warn apivideo: webhooks:sync: no handler is registered for subscribed types: " .. RECORDED .. ", "
      .. SUMMARY .. "; register one, or use handlers:otherwise, or do not subscribe\n", written:match "^%S+ (.*)$")
    assert.equal(2, #plan.create)
    assert.equal("", (warnings(handlers:otherwise(ignore), syncing.want("a", QUALITY, SUMMARY))))
  end)

  it("warns about types that have a handler and no subscription", function()
    local handlers = handlers_of(QUALITY, SUMMARY, "live-stream.*", CAPTION)
    local written = warnings(handlers, syncing.want("a", QUALITY))
    assert.equal("warn apivideo: webhooks:sync: no webhook of the list subscribes to handled types: live-stream.*, "
      .. CAPTION .. ", " .. SUMMARY .. "; add them to its events, for instance with handlers:types()\n",
      written:match "^%S+ (.*)$")
  end)

  it("needs one subscription for a pattern, and none for a removed function", function()
    local handlers = handlers_of(QUALITY, "*", "video.*")
    handlers:off(QUALITY, ignore)
    assert.equal("", (warnings(handlers, syncing.want("a", SUMMARY))))
  end)

  it("knows that a pattern handles a type that the catalogue does not have", function()
    assert.is_nil(warnings(handlers_of("video.*"), syncing.want("a", "video.sync.newer")):find("no handler", 1, true))
  end)

  it("raises if they are no handlers", function()
    local ok, message = pcall(client.webhooks.sync, client.webhooks, { syncing.want("a", QUALITY) }, { handlers = {} })
    assert.is_false(ok)
    assert.truthy(message:find('webhooks:sync: option "handlers" must be apivideo.handlers, got table', 1, true),
      message)
  end)
end)
