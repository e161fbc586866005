-- The lines of a receiver in the log: one for each outcome, with the fields of its event.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local json = require "apivideo.util.json"
local memory = require "apivideo.inbox.memory"

local RECORDED = "video.source.recorded"
local RAW = inboxes.raw_of(RECORDED, { videoId = "vi1", liveStreamId = "li1" })

describe("the log of a receiver", function()
  local records, handlers

  -- Sets the level. The lines become `records`.
  local function configure(level)
    records = {}
    apivideo.log { level = level, format = "json", write = function(line)
      records[#records + 1] = assert(json.decode(line))
    end }
  end

  before_each(function()
    handlers = apivideo.handlers()
    configure "info"
  end)

  after_each(function() apivideo.log {} end)

  local function receiver_of(options)
    options.secrets = inboxes.SECRET
    if not options.inbox then options.handlers = handlers end
    return apivideo.receiver(options)
  end

  local function deliver(options, raw)
    local status
    apivideo.run(function() status = inboxes.deliver(receiver_of(options), raw or RAW) end)
    apivideo.run()
    return status
  end

  -- Whether the last line has this level, a message with this beginning, and the fields of the delivered event.
  local function assert_line(level, message)
    local record = records[#records]
    assert.equal(level, record.level)
    assert.equal(message, record.message:sub(1, #message))
    assert.equal(RECORDED, record.type)
    assert.equal("vi1", record.videoId)
    assert.equal("li1", record.liveStreamId)
    assert.equal(apivideo.events:key(apivideo.parse(RAW)), record.key)
    assert.equal("webhook_1", record.webhook_id)
  end

  it("has the success of handlers", function()
    handlers:on("*", function() end)
    assert.equal(204, deliver {})
    assert.equal(1, #records)
    assert_line("info", "handled in 0.")
  end)

  it("has a failure", function()
    handlers:on("*", function() return nil, "it broke" end)
    assert.equal(500, deliver {})
    assert.equal(1, #records)
    assert_line("error", "a handler of video.source.recorded failed: it broke")
  end)

  it("has an event without a handler", function()
    assert.equal(204, deliver {})
    assert_line("warn", "acknowledged without a handler: video.source.recorded; ")
  end)

  it("has a delivery before and after its deferred handlers", function()
    handlers:on("*", function() records[#records + 1] = "a handler" end)
    assert.equal(204, deliver { defer = true })
    assert.equal(3, #records)
    assert.equal("a handler", records[2])
    assert_line("info", "handled in 0.")
    records = { records[1] }
    assert_line("info", "received, its handlers run after the response")
  end)

  it("has duplicates, with dedupe", function()
    handlers:on("*", function() end)
    local options = { dedupe = { store = require("apivideo.runtime.dictionary").new() } }
    for _ = 1, 2 do assert.equal(204, deliver(options)) end
    assert.equal(2, #records)
    assert_line("info", "a duplicate")
  end)

  it("has stored events and duplicates, with an inbox", function()
    local inbox = apivideo.inbox { store = memory() }
    assert.equal(204, deliver { inbox = inbox })
    assert_line("info", "stored")
    assert.equal(204, deliver { inbox = inbox })
    assert_line("info", "a duplicate")
    assert.equal(2, #records)
  end)

  it("has signed bytes that cannot be parsed once as an error", function()
    local inbox = apivideo.inbox { store = memory() }
    for _ = 1, 2 do assert.equal(204, deliver({ inbox = inbox }, "{}")) end
    assert.equal(2, #records)
    assert.truthy(records[1].message:find("is a dead letter", 1, true))
    assert.equal("error", records[1].level)
    assert.equal("webhook_1", records[1].webhook_id)
    assert.equal("info", records[2].level)
    for _, record in ipairs(records) do
      assert.equal(2, record.body_bytes)
      assert.equal(apivideo.sign("{}", "unparsed"):sub(1, 16), record.body_hash)
    end
    assert.equal(400, deliver({}, "{ }"))
    assert.same({ 3, apivideo.sign("{ }", "unparsed"):sub(1, 16) }, { records[3].body_bytes, records[3].body_hash })
  end)

  it("has an event that is rejected although its signature is valid", function()
    assert.equal(401, deliver { freshness = { max_age = 300, action = "reject" } })
    assert_line("error", "rejected with 401 although its signature is valid")
    assert.equal(401, records[1].status)
    assert.equal("stale", records[1].kind)
    assert.is_nil(records[1].body_hash) -- it has a key
  end)

  it("has the event of a lane that fails, and of a permanent failure that is not returned", function()
    assert.equal(204, deliver { inbox = apivideo.inbox { store = memory(), lane = function() return 5 end } })
    local stored = table.remove(records)
    assert.equal("stored", stored.message)
    assert.equal("error", records[1].level)
    assert.equal("vi1", records[1].videoId)
    assert.equal(stored.key, records[1].key)
    handlers:on("*", function() apivideo.permanent "x" end)
    assert.equal(204, deliver {})
    table.remove(records)
    assert_line("warn", "a handler of video.source.recorded called apivideo.permanent(x)")
  end)

  it("has no line for a success at the level warn", function()
    configure "warn"
    handlers:on("*", function() end)
    local inbox = apivideo.inbox { store = memory() }
    for _, options in ipairs { {}, { defer = true }, { inbox = inbox }, { inbox = inbox } } do
      assert.equal(204, deliver(options))
    end
    assert.same({}, records)
  end)

  it("has its lines although a handler has changed the event and the delivery", function()
    handlers:on("*", function(event, delivery)
      event.type, event.videoId = setmetatable({}, { __tostring = error }), {}
      delivery.key, delivery.attempt = print, 0 / 0
      return false
    end)
    assert.equal(500, deliver {})
    assert.equal(1, #records)
    assert.truthy(records[1].message:find("failed: a handler returned false", 1, true))
    assert.equal("li1", records[1].liveStreamId)
    assert.is_nil(records[1].attempt)
  end)
end)
