-- The lines of inbox:work in the log: one for each attempt, with the fields of its event.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local json = require "apivideo.util.json"
local wait_for = require "spec.support.wait"
local working = require "spec.support.working"

local CAPTION = "video.caption.generated"

describe("the log of inbox:work", function()
  local records

  before_each(working.start)

  before_each(function()
    records = {}
    apivideo.log { level = "info", format = "json", write = function(line)
      local record = assert(json.decode(line))
      if record.message ~= "stored" then records[#records + 1] = record end
    end }
  end)

  after_each(function()
    working.stop()
    apivideo.log {}
  end)

  -- Delivers an event, and works until it has a number of settlements. Returns its entry's id.
  local function settle(count, options)
    assert.equal(204, working.deliver(inboxes.raw_of(CAPTION, { videoId = "vi1", captionId = "ca1" })))
    local id = assert(working.inbox:list { state = "waiting" })[1].id
    local ended = working.work(options)
    wait_for(function() return #working.settlements == count end, "the settlements")
    working.cancel:cancel()
    assert.is_true(ended:wait(5))
    return id
  end

  local function assert_line(record, level, message, attempt, id)
    assert.equal(level, record.level)
    assert.equal(message, record.message:sub(1, #message))
    assert.equal(CAPTION, record.type)
    assert.equal("vi1", record.videoId)
    assert.equal("ca1", record.captionId)
    assert.truthy(record.key:find("ca1", 1, true))
    assert.equal("webhook_1", record.webhook_id)
    assert.equal(attempt, record.attempt)
    assert.equal(id, record.entry_id)
  end

  it("has the success of handlers", function()
    working.handlers:on("*", function() end)
    local id = settle(1)
    assert.equal(1, #records)
    assert_line(records[1], "info", "completed in 0.", 1, id)
    assert.equal(id, working.settlements[1].id)
  end)

  it("has failures and the dead letter", function()
    working.handlers:on("*", function() return nil, "it broke" end)
    local id = settle(2, { max_attempts = 2 })
    assert.equal(2, #records)
    assert_line(records[1], "warn", "entry 1, video.caption.generated (attempt 1) failed, next attempt in 0 s: ", 1, id)
    assert_line(records[2], "error",
      "entry 1, video.caption.generated (attempt 2) failed and is a dead letter; inbox:redrive { id = 1 } queues it",
      2, id)
  end)

  it("has an event without a handler", function()
    local id = settle(1)
    assert_line(records[1], "warn", "completed without a handler: entry 1, video.caption.generated (attempt 1)", 1, id)
  end)

  it("has no line for a success at the level warn", function()
    apivideo.log { write = function(line) records[#records + 1] = line end }
    working.handlers:on("*", function() end)
    settle(1)
    assert.same({}, records)
  end)

  it("has an error for an attempt that failed because api.video rejects the API key", function()
    working.handlers:on("video.*", function(_, delivery)
      if delivery.attempt == 1 then return nil, errors.new("unauthorized", "wrong key", { status = 401 }) end
      if delivery.attempt == 2 then return nil, errors.new("server_error", "broken", { status = 500 }) end
    end)
    local id = settle(3, { backoff = 0.01 })
    assert_line(records[1], "error", ("entry %d, %s (attempt 1) failed, next attempt in "):format(id, CAPTION), 1, id)
    assert_line(records[2], "warn", ("entry %d, %s (attempt 2) failed, next attempt in "):format(id, CAPTION), 2, id)
  end)
end)
