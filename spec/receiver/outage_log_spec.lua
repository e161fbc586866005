-- The lines of a receiver that rejects deliveries with 503: errors, limited in number, with counts.

local apivideo = require "apivideo"
local dictionary = require "apivideo.runtime.dictionary"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local json = require "apivideo.util.json"
local memory = require "apivideo.inbox.memory"
local outage = require "apivideo.receiver.outage"
local testing = require "apivideo.testing"

describe("the log of a receiver that rejects deliveries with 503", function()
  local records

  local function configure(level)
    records = {}
    apivideo.log { level = level, format = "json", write = function(line)
      records[#records + 1] = assert(json.decode(line))
    end }
  end

  before_each(function() configure "warn" end)

  after_each(function() apivideo.log {} end)

  local function deliver(receiver, id)
    return inboxes.deliver(receiver, inboxes.caption(id))
  end

  it("has one error for an outage of the store, and a line with the count at its end", function()
    local store = inboxes.failing(memory())
    local receiver = apivideo.receiver { inbox = apivideo.inbox { store = store }, secrets = inboxes.SECRET }
    assert.equal(204, deliver(receiver, "a"))
    assert.same({}, records)
    for _ = 1, 2 do
      testing.clock:advance(outage.INTERVAL_S)
      records, store.down = {}, true
      for i = 1, 5 do assert.equal(503, deliver(receiver, "x" .. i)) end
      assert.equal(1, #records)
      assert.equal("error", records[1].level)
      assert.matches("^rejected with 503: .*no space; the same cause has one line in 10 s$", records[1].message)
      assert.same({ "store_unavailable", 503 }, { records[1].kind, records[1].status })
      store.down = false
      for _, id in ipairs { "b", "c" } do assert.equal(204, deliver(receiver, id)) end
      assert.equal(2, #records)
      assert.equal("warn", records[2].level)
      assert.matches("accepted again, after %d+%.%d s; rejected with 503 in that time: 5;", records[2].message)
    end
  end)

  it("has all lines at the level info", function()
    configure "info"
    local store = inboxes.failing(memory())
    local receiver = apivideo.receiver { inbox = apivideo.inbox { store = store }, secrets = inboxes.SECRET }
    store.down = true
    for i = 1, 3 do assert.equal(503, deliver(receiver, "x" .. i)) end
    local levels = {}
    for i, record in ipairs(records) do levels[i] = record.level end
    assert.same({ "error", "info", "info" }, levels)
  end)

  it("has a line about the next kind of failure, and about the same one after a time, with the count", function()
    local err
    local receiver = apivideo.receiver { handlers = apivideo.handlers():on("*", function() end),
      secrets = function()
        if err then return nil, err end
        return inboxes.SECRET
      end }
    err = errors.new("unauthorized", "wrong key", { status = 401 })
    for _ = 1, 3 do assert.equal(503, deliver(receiver, "a")) end
    err = errors.new("network", "no route")
    for _ = 1, 3 do assert.equal(503, deliver(receiver, "a")) end
    assert.equal(2, #records)
    assert.same({ "error", "unauthorized" }, { records[1].level, records[1].kind })
    assert.same({ "error", "network" }, { records[2].level, records[2].kind })
    testing.clock:advance(outage.INTERVAL_S)
    assert.equal(503, deliver(receiver, "a"))
    assert.matches("no route (and 2 more since the last such line)", records[2].message, 1, true)
    assert.matches("(and 2 more since the last such line)", records[3].message, 1, true)
    err = nil
    assert.equal(204, deliver(receiver, "a"))
    assert.matches("rejected with 503 in that time: 7;", records[4].message, 1, true)
  end)

  it("is a reason of the receiver's health until a delivery is accepted, or for five minutes", function()
    local err = errors.new("unauthorized", "wrong key", { status = 401 })
    for _, destination in ipairs { { handlers = apivideo.handlers():on("*", function() end) },
      { inbox = apivideo.inbox { store = memory() } } } do
      local is_down = false
      destination.secrets = function()
        if is_down then return nil, err end
        return inboxes.SECRET
      end
      local receiver = apivideo.receiver(destination)
      assert.same({}, receiver:health().reasons)
      is_down = true
      assert.equal(503, deliver(receiver, "a"))
      testing.clock:advance(100)
      local health = receiver:health()
      assert.is_true(health.ok)
      assert.equal("a delivery was rejected with 503 100 s ago, and none has been accepted since: api.video:"
        .. " unauthorized (401): wrong key", health.reasons.delivery)
      testing.clock:advance(201)
      assert.same({}, receiver:health().reasons)
      assert.equal(503, deliver(receiver, "a"))
      assert.truthy(receiver:health().reasons.delivery)
      is_down = false
      assert.equal(204, deliver(receiver, "a"))
      assert.same({}, receiver:health().reasons)
    end
  end)

  it("has no line for each change of an outage that comes and goes", function()
    local store = inboxes.failing(memory())
    local receiver = apivideo.receiver { inbox = apivideo.inbox { store = store }, secrets = inboxes.SECRET }
    for i = 1, 5 do
      store.down = true
      assert.equal(503, deliver(receiver, "x"))
      store.down = false
      assert.equal(204, deliver(receiver, "a" .. i))
    end
    assert.equal(2, #records)
    testing.clock:advance(outage.INTERVAL_S)
    store.down = true
    assert.equal(503, deliver(receiver, "x"))
    assert.matches("(and 4 more since the last such line)", records[3].message, 1, true)
  end)

  it("has lines about an outage with another cause, also soon after the last one", function()
    local store = inboxes.failing(memory())
    local receiver = apivideo.receiver { inbox = apivideo.inbox { store = store }, secrets = inboxes.SECRET }
    local function fail_with(text)
      records, store.down = {}, text
      assert.equal(503, deliver(receiver, "x"))
      store.down = false
      assert.equal(204, deliver(receiver, "a"))
      return #records
    end
    assert.equal(2, fail_with "no space after 12 ms")
    testing.clock:advance(2)
    assert.equal(0, fail_with "no space after 345 ms")
    assert.equal(2, fail_with "no memory")
    assert.equal(0, fail_with "no memory")
    assert.equal(2, fail_with "no such file")
    assert.equal(0, fail_with "no such table") -- the fourth cause within ten seconds
    testing.clock:advance(outage.INTERVAL_S)
    assert.equal(2, fail_with "no such table")
  end)

  it("has a warning about each delivery while another one of its event is being handled", function()
    local receiver
    local handlers = apivideo.handlers():on("*", function()
      assert.equal(503, deliver(receiver, "a"))
      assert.equal(503, deliver(receiver, "a"))
    end)
    receiver = apivideo.receiver { handlers = handlers, secrets = inboxes.SECRET,
      dedupe = { store = dictionary.new() } }
    assert.equal(204, deliver(receiver, "a"))
    assert.equal(2, #records)
    for _, record in ipairs(records) do assert.same({ "warn", "in_progress" }, { record.level, record.kind }) end
  end)

  it("has a warning about an invalid signature", function()
    local receiver = apivideo.receiver { handlers = apivideo.handlers(), secrets = "another secret" }
    for _ = 1, 2 do assert.equal(401, deliver(receiver, "a")) end
    assert.equal(2, #records)
    assert.same({ "warn", "warn" }, { records[1].level, records[2].level })
  end)
end)
