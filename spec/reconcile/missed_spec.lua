-- Lost deliveries, end to end: uploads and broadcasts on a local api.video, a receiver that loses a part of the events,
-- workers, and a reconciliation. Each event is handled once.

local apivideo = require "apivideo"
local http = require "apivideo.transport.http"
local memory = require "apivideo.inbox.memory"
local reconciling = require "spec.support.reconciling"
local redis_server = require "spec.support.redis"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local server = require "apivideo.server"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"

local UPLOADS, BROADCASTS = 12, 4
local LADDER = #reconciling.LADDER
local path = os.tmpname()

local STORES = {
  memory = function() return memory() end,
  sqlite = function() return sqlite { path = path } end,
  redis = not redis_server.missing() and function()
    local redis = redis_server.start()
    running.add(function() redis:stop() end)
    return apivideo.inbox.redis { port = redis.port }
  end or nil,
}

describe("lost deliveries", function()
  local api, client, inbox, cancel, handled

  after_each(function()
    cancel:cancel()
    running.stop()
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
  end)

  -- A receiver that loses each third delivery.
  local function listen()
    local receiver = apivideo.receiver { inbox = inbox, secrets = client.webhooks:secret_source() }
    local count = 0
    local listening = assert(server.listen { handler = function(request)
      count = count + 1
      if count % 3 == 0 then return 503, {}, "" end
      return receiver:receive(request)
    end })
    running.add(function() listening:stop() end)
    assert(client.webhooks:create { url = listening.url, events = apivideo.events:names() })
  end

  -- Starts the account, the receiver, and two workers.
  local function start(store)
    api = running.emulator { max_attempts = 1 }
    api:set_encoding { interval = 0.002, failed = { "hls 480p" } }
    client = apivideo.client { api_key = "key", base_url = api.url, retries = 0 }
    inbox, cancel, handled = apivideo.inbox { store = store }, apivideo.cancellation(), {}
    local handlers = apivideo.handlers()
    local function handle(event, delivery)
      assert(delivery.key)
      handled[delivery.key] = (handled[delivery.key] or 0) + 1
      assert(event.type)
    end
    handlers:on("*", handle)
    handlers:on_failed(handle)
    listen()
    for _ = 1, 2 do apivideo.spawn(function() inbox:work(handlers, { cancel = cancel }) end) end
  end

  local function request(method, target, body)
    return assert(http.request { method = method, url = api.url .. target, username = "key", body = body })
  end

  local function upload()
    local video = require("cjson").decode(request("POST", "/videos", '{"title":"T"}').body)
    request("POST", "/videos/" .. video.videoId .. "/source", "any bytes")
  end

  -- Counts handled events by their type. Fails for one that was handled twice.
  local function counts()
    local by_type = {}
    for key, count in pairs(handled) do
      assert.equal(1, count, key)
      local name = require("apivideo.events.key").first_value(key)
      by_type[name] = (by_type[name] or 0) + 1
    end
    return by_type
  end

  for name, open in pairs(STORES) do
    it("are found and handled once, with a store in " .. name, function()
      start(open())
      for _ = 1, UPLOADS do upload() end
      for i = 1, BROADCASTS do
        api:put_live_stream { liveStreamId = "li" .. i }
        api:start_broadcast("li" .. i)
        api:end_broadcast("li" .. i)
      end
      for i = 1, 6 do api:put_summary { summaryId = "summary_" .. i, videoId = "vi" .. i } end
      assert(api:settle(30))
      local reconciliation = apivideo.reconcile { client = client, inbox = inbox, budget = 1 }
      local summary = assert(reconciliation:once())
      local videos = UPLOADS + BROADCASTS
      assert.is_true(summary.found > videos) -- more than the failures
      assert.equal(0, assert(reconciliation:once()).found)
      local expected = { ["video.encoding.quality.completed"] = videos * (LADDER - 1),
        ["video.source.recorded"] = BROADCASTS, ["apivideo.video.failed"] = videos, ["video.summary.generated"] = 6 }
      wait_for(function()
        local found = counts()
        for type, count in pairs(expected) do
          if found[type] ~= count then return false end
        end
        return true
      end, "each event")
      runtime.pass()
      counts()
      cancel:cancel()
      inbox:close()
    end)
  end
end)
