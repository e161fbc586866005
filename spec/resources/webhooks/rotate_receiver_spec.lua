-- A new secret for a webhook: the deliveries during the overlap.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local rotation = require "spec.support.rotation"
local running = require "spec.support.running"
local server = require "apivideo.server"

local RECORDED = rotation.RECORDED

describe("webhooks:rotate", function()
  local api, client

  before_each(function()
    api, client = running.emulator { interval = 0.01 }, nil
  end)

  after_each(running.stop)

  local function old_webhook(url)
    client = client or client_of(api.url)
    return rotation.old_webhook(api, client, url)
  end

  describe("with a receiver", function()
    -- A receiver on its own port, and what it accepted: event's videoId -> list of deliveries.
    local function receiving(secrets)
      local taken, rejected = {}, {}
      local handlers = apivideo.handlers()
      handlers:on("*", function(event, delivery)
        taken[event.videoId] = taken[event.videoId] or {}
        table.insert(taken[event.videoId], delivery)
      end)
      local receiver = apivideo.receiver { handlers = handlers, secrets = secrets, on_outcome = function(outcome)
        if outcome.err then rejected[#rejected + 1] = outcome.err end
      end }
      local listening = assert(server.listen { receiver = receiver })
      running.add(function() listening:stop() end)
      return listening.url .. "/webhooks", taken, rejected
    end

    local count = 0
    local function emit()
      count = count + 1
      api:emit { type = RECORDED, videoId = "vi" .. count, liveStreamId = "li1" }
      return "vi" .. count
    end

    it("accepts both secrets during the overlap; both webhooks deliver each event, with one key", function()
      local url, taken, rejected = receiving(client_of(api.url).webhooks:secret_source())
      local old = old_webhook(url)
      local before, during = emit(), nil
      assert(api:settle(60))
      local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0, on_created = function()
        during = emit()
        assert(api:settle(60))
      end }))
      local after = emit()
      assert(api:settle(60))
      assert.same({}, rejected)
      assert.same({ 1, 2, 1 }, { #taken[before], #taken[during], #taken[after] })
      local first, second = taken[during][1], taken[during][2]
      assert.is_true(first.verified and second.verified)
      assert.equal(first.key, second.key)
      assert.are_not.equal(first.webhook_id, second.webhook_id)
      assert.equal(old.webhookId, taken[before][1].webhook_id)
      assert.equal(new.webhookId, taken[after][1].webhook_id)
      assert.are_not.equal(taken[before][1].key, taken[after][1].key)
    end)

    it("loses no delivery, at whatever step it is sent", function()
      local url, taken, rejected = receiving(client_of(api.url).webhooks:secret_source())
      local old = old_webhook(url)
      local sent = {}
      local function send() sent[#sent + 1] = emit() end
      client = client_of(api.url, { on_request = send, on_response = send })
      send()
      local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0, on_created = function()
        send()
        assert(api:settle(60)) -- as a longer overlap gives it time to
      end }))
      send()
      assert(api:settle(60))
      assert.equal(11, #sent) -- before and after each of four requests, and three more
      for _, id in ipairs(sent) do
        assert.is_table(taken[id], id)
        for _, delivery in ipairs(taken[id]) do
          assert.is_true(delivery.verified)
          assert.equal(taken[id][1].key, delivery.key)
        end
      end
      assert.equal(new.webhookId, taken[sent[11]][1].webhook_id)
      assert.same({}, rejected)
    end)

    it("that does not request secrets receives the new one in time", function()
      local known = { webhook_none = "sig_sec_none" }
      local url, taken, rejected = receiving(known)
      local old = old_webhook(url)
      known[old.webhookId] = old.signatureSecret
      local during
      local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0, on_created = function(new, was)
        known[new.webhookId] = new.signatureSecret
        assert.equal(known[was.webhookId], was.signatureSecret)
        during = emit()
        assert(api:settle(60))
      end }))
      known[old.webhookId] = nil
      local after = emit()
      assert(api:settle(60))
      assert.equal(2, #taken[during])
      assert.equal(new.webhookId, taken[after][1].webhook_id)
      assert.same({}, rejected)
    end)
  end)
end)
