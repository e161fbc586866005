-- Deliveries that are lost, late, repeated or overtaken, and an API that is unavailable for a while.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local delivery_faults = require "apivideo.emulator.delivery_faults"
local emulator = require "apivideo.emulator"
local misuse = require "spec.support.misuse"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local wait_for = require "spec.support.wait"

describe("emulator, deliveries", function()
  local api, seen

  after_each(running.stop)

  -- Starts an emulator with a webhook, whose receiver collects the ids of the videos in `seen`.
  local function start(deliveries)
    api = running.emulator { deliveries = deliveries }
    seen = {}
    local handlers = apivideo.handlers():on("*", function(event) seen[#seen + 1] = event.videoId end)
    local receiver = apivideo.receiver { handlers = handlers, unsigned = true }
    local listening = assert(server.listen { receiver = receiver })
    running.add(function() listening:stop() end)
    assert(client_of(api.url).webhooks:create { url = listening.url, events = { "video.summary.generated" } })
  end

  local function emit(count)
    for i = 1, count do
      api:emit { type = "video.summary.generated", videoId = "vi" .. i, summaryId = "s" .. i }
    end
    assert(api:settle(60))
  end

  -- How many deliveries are in each state.
  local function states()
    local counts = {}
    for _, delivery in ipairs(api.deliveries) do counts[delivery.state] = (counts[delivery.state] or 0) + 1 end
    return counts
  end

  it("are all sent, once, by default", function()
    start()
    emit(20)
    assert.same({ delivered = 20 }, states())
    assert.equal(20, #seen)
  end)

  it("are lost with a probability: without an attempt", function()
    start { lose = 0.3, seed = 7 }
    emit(100)
    local counts = states()
    assert.equal(100, counts.delivered + counts.lost)
    assert.is_true(counts.lost > 15 and counts.lost < 45, counts.lost)
    assert.equal(counts.delivered, #seen)
    for _, delivery in ipairs(api.deliveries) do
      if delivery.state == "lost" then assert.same({}, delivery.attempts) end
    end
  end)

  it("are repeated with a probability: as a further delivery", function()
    start { duplicate = 1 }
    emit(10)
    assert.same({ delivered = 20 }, states())
    local counts = {}
    for _, id in ipairs(seen) do counts[id] = (counts[id] or 0) + 1 end
    for i = 1, 10 do assert.equal(2, counts["vi" .. i]) end
  end)

  it("are late by a part of the delay", function()
    local options = { delay = 0.2, seed = 5 }
    local planned = delivery_faults.new("x", options, 1)
    start(options)
    local began = runtime.now()
    emit(5)
    assert.equal(5, #seen)
    for _, delivery in ipairs(api.deliveries) do
      local delay = planned:next(delivery.webhookId).delay
      assert.is_true(delay < 0.2)
      assert.is_true(delivery.attempts[1].at - began >= delay - 0.01) -- two clocks
    end
  end)

  it("are overtaken by the next one with a probability", function()
    start { reorder = 1 }
    emit(1) -- no other one follows: it is delivered nevertheless
    assert.same({ "vi1" }, seen)
    start { reorder = 1 }
    for i = 1, 2 do api:emit { type = "video.summary.generated", videoId = "vi" .. i, summaryId = "s" } end
    api:set_deliveries {}
    api:emit { type = "video.summary.generated", videoId = "vi3", summaryId = "s" }
    assert(api:settle(60))
    assert.equal(3, #seen)
    assert.equal("vi1", seen[3] == "vi2" and seen[2] or seen[3])
  end)

  it("have the same faults with the same seed, and others with another one", function()
    local function drawn(seed)
      local faults, list = delivery_faults.new("x", { lose = 0.5, delay = 1, duplicate = 0.5, seed = seed }, 1), {}
      for i = 1, 50 do
        local fault = faults:next "webhook_1"
        list[i] = ("%s %s %.9f"):format(tostring(fault.is_lost), tostring(fault.is_repeated), fault.delay)
      end
      return table.concat(list, "\n")
    end
    assert.equal(drawn(42), drawn(42))
    assert.is_not.equal(drawn(42), drawn(43))
    assert.is_not.equal(drawn(nil), drawn(nil))
    assert.equal("false true 0.773738", drawn(1):match "^(%a+ %a+ %d%.%d%d%d%d%d%d)") -- in each Lua
  end)

  it("have unlike faults from the first one on, with seeds that are close together", function()
    local counts = { [false] = 0, [true] = 0 }
    for seed = 1, 200 do
      local fault = delivery_faults.new("x", { reorder = 0.5, seed = seed }, 1):next "webhook_1"
      counts[fault.overtaken_by ~= nil] = counts[fault.overtaken_by ~= nil] + 1
    end
    assert.is_true(counts[false] > 70 and counts[true] > 70, counts[true]) -- 100 are expected, give or take 7
  end)

  it("are changed by set_deliveries, and over HTTP, until a reset", function()
    start { lose = 1 }
    emit(1)
    assert.same({ lost = 1 }, states())
    api:set_deliveries { lose = 0 }
    emit(1)
    assert.same({ lost = 1, delivered = 1 }, states())
    assert.is_true(client_of(api.url):request("PUT", "/emulator/deliveries", { body = { lose = 1 } }))
    emit(1)
    assert.same({ lost = 2, delivered = 1 }, states())
    api:set_deliveries {}
    api:reset()
    assert(client_of(api.url).webhooks:create { url = "http://127.0.0.1:9/", events = { "video.summary.generated" } })
    emit(1)
    assert.same({ lost = 1 }, states())
  end)

  it("have valid options", function()
    start()
    for _, options in ipairs { { lose = 1.5 }, { delay = -1 }, { duplicate = "x" }, { seed = 0 }, { loose = 1 } } do
      local name = next(options)
      local message = misuse(function() api:set_deliveries(options) end)
      assert.truthy(message:find("emulator:set_deliveries: ", 1, true) and message:find(name, 1, true), message)
    end
    assert.truthy(misuse(function() return (emulator.start { api_key = "key", deliveries = { lose = 2 } }) end)
      :find('emulator.start: option "deliveries": option "lose"', 1, true))
  end)
end)

describe("emulator, a fault with a duration", function()
  after_each(running.stop)

  it("applies to all requests in that time, and to none after it", function()
    local api = running.emulator()
    local client = client_of(api.url)
    api:fault { status = 503, duration = 0.2 }
    local count = 0
    wait_for(function()
      local page, err = client.videos:list()
      if page then return true end
      assert.equal("server_error", err.kind)
      count = count + 1
    end, "the end of the fault")
    assert.is_true(count > 1)
    assert(client.videos:list())
    assert.truthy(misuse(function() api:fault { refuse = true, duration = 1 } end):find('"duration"', 1, true))
  end)
end)
