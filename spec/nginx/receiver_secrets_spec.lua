-- Deliveries to a real nginx, whose workers share secrets that they request from api.video.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local nginx_receiver = require "spec.support.nginx_receiver"
local tables = require "apivideo.util.tables"

local SHARED, new_body, headers_of = nginx_receiver.SHARED, nginx_receiver.new_body, nginx_receiver.headers_of
local post, seen, start = nginx_receiver.post, nginx_receiver.seen, nginx_receiver.start

nginx_receiver.describe(function()
  local nginx

  describe("with api.video's secrets", function()
    local local_api, webhook

    before_each(function()
      local_api = assert(emulator.start { api_key = "test-key", max_attempts = 1 })
      nginx_receiver.add(local_api)
      local client = apivideo.client { api_key = "test-key", base_url = local_api.url }
      webhook = assert(client.webhooks:create { url = "http://127.0.0.1:1/", events = apivideo.events:names() })
    end)

    local function start_shared(more)
      local options = tables.merge({ api = local_api.url, workers = 2, listen = "reuseport" }, more)
      nginx = start(SHARED, options)
    end

    local function lookups(id)
      local lookups_of_id = 0
      for _, request in ipairs(local_api.requests) do
        if request.method == "GET" and (request.path == "/webhooks/" .. id or id == "*") then
          lookups_of_id = lookups_of_id + 1
        end
      end
      return lookups_of_id
    end

    local function deliver(id, secret)
      local body = new_body()
      id, secret = id or webhook.webhookId, secret or webhook.signatureSecret
      return post(nginx, "/webhooks", body, headers_of(body, id, secret))
    end

    -- Delivers many events at once; the number of responses by status.
    local function deliver_many(n, id_of)
      local items, statuses = {}, {}
      for i = 1, n do items[i] = i end
      apivideo.run(function()
        local all, errs = apivideo.parallel(n, items, function(i) return (deliver(id_of and id_of(i))) end)
        assert.is_nil(errs)
        for _, status in pairs(all) do statuses[status] = (statuses[status] or 0) + 1 end
      end)
      return statuses
    end

    for _, code_cache in ipairs { "on", "off" } do
      it("requests a secret once for many deliveries (code cache " .. code_cache .. ")", function()
        start_shared { code_cache = code_cache }
        local_api:fault { latency = 0.2, on = "GET /webhooks/.*" }
        assert.same({ [204] = 40 }, deliver_many(40))
        assert.equal(1, lookups(webhook.webhookId))
        assert.same({ [204] = 10 }, deliver_many(10))
        assert.equal(1, lookups(webhook.webhookId))
      end)
    end

    it("requests the secret of an unknown id once", function()
      start_shared()
      assert.same({ [401] = 20 }, deliver_many(20, function() return "webhook_nowhere" end))
      assert.equal(1, lookups "webhook_nowhere")
    end)

    it("continues to accept deliveries while api.video is unavailable", function()
      start_shared { ttl = 0 }
      assert.equal(204, deliver())
      local_api:stop()
      for _ = 1, 10 do assert.equal(204, deliver()) end
      assert.same({ [204] = 10 }, deliver_many(10))
      assert.equal(503, deliver "webhook_nowhere")
    end)

    it("responds 401 to ids that are names of internal counters, and never raises", function()
      start_shared()
      assert.equal(401, deliver "webhook_nowhere")
      for _, id in ipairs { "lookups", "questions", "again:webhook_nowhere", "asking:webhook_nowhere", "count:lookups",
        "id:webhook_nowhere", "webhook_", ("w"):rep(4000), "" } do
        assert.equal(401, deliver(id))
      end
      local body = new_body()
      local headers = headers_of(body, "a", webhook.signatureSecret)
      headers[#headers + 1] = "X-Api-Video-WebhookID: b"
      assert.equal(401, post(nginx, "/webhooks", body, headers))
      assert.equal(204, deliver())
      assert.is_nil(nginx:log():find("traceback", 1, true))
      assert.is_nil(nginx:log():find("runtime error", 1, true))
    end)

    it("requests the secrets of a few unknown ids per minute", function()
      start_shared()
      local statuses = deliver_many(30, function(i) return "webhook_forged" .. i end)
      assert.same({ [401] = 20, [503] = 10 }, statuses)
      assert.equal(20, lookups "*")
      assert.equal(503, deliver())
    end)

    it("accepts deliveries of known ids during a flood of unknown ones", function()
      start_shared { ttl = 0 }
      assert.equal(204, deliver())
      deliver_many(30, function(i) return "webhook_forged" .. i end)
      assert.equal(204, deliver())
    end)

    it("lets handlers call api.video", function()
      start_shared()
      local body, id = new_body { type = "video.summary.generated", summaryId = "client" }
      assert.equal(204, post(nginx, "/webhooks", body, headers_of(body, webhook.webhookId, webhook.signatureSecret)))
      assert.equal(1, seen(nginx, id))
    end)

    it("accepts deliveries of the emulator", function()
      start_shared()
      local client = apivideo.client { api_key = "test-key", base_url = local_api.url }
      assert(client.webhooks:delete(webhook.webhookId))
      assert(client.webhooks:create { url = nginx.url .. "/webhooks", events = apivideo.events:names() })
      local event = apivideo.events:sample "video.encoding.quality.completed"
      local deliveries = local_api:emit(event)
      assert.is_true(local_api:settle(30))
      assert.equal("delivered", deliveries[1].state)
      assert.equal(1, seen(nginx, event.videoId))
    end)
  end)
end)
