-- Desired state: what may be deleted, and how many webhooks there may be.

local running = require "spec.support.running"
local syncing = require "spec.support.syncing"

local RECORDED, QUALITY, put, want = syncing.RECORDED, syncing.QUALITY, syncing.put, syncing.want
local state, methods = syncing.state, syncing.methods

describe("webhooks:sync", function()
  local api, client

  after_each(running.stop)

  local function start(more) api, client = syncing.start(more) end

  describe("deletes what owned_by accepts", function()
    before_each(function()
      start()
      put("a", "a", { RECORDED })
      put("mine", "mine/1", { RECORDED })
      put("external", "external", { RECORDED })
    end)

    local function is_mine(webhook) return webhook.url:find("/mine/", 1, true) ~= nil end

    it("alone, when it prunes", function()
      assert(client.webhooks:sync({ want("mine/2", QUALITY) }, { prune = true, owned_by = is_mine }))
      assert.same({ "2: " .. QUALITY, "a: " .. RECORDED, "external: " .. RECORDED }, state())
      assert(client.webhooks:sync({}, { prune = true, owned_by = is_mine }))
      assert.same({ "a: " .. RECORDED, "external: " .. RECORDED }, state())
    end)

    it("and, without pruning, nothing beyond the urls of the list", function()
      assert(client.webhooks:sync({ want("mine/2", QUALITY) }, { owned_by = is_mine }))
      assert(client.webhooks:sync({}, { owned_by = function() return true end }))
      assert.same({ "1: " .. RECORDED, "2: " .. QUALITY, "a: " .. RECORDED, "external: " .. RECORDED }, state())
      assert.equal("GET POST GET", methods())
    end)

    it("and not a webhook with a url of the list that belongs to another program", function()
      local asked = {}
      assert(client.webhooks:sync({ want("a", QUALITY) }, { owned_by = function(webhook)
        asked[#asked + 1] = webhook.webhookId
        return false
      end }))
      assert.same({ "webhook_a" }, asked)
      assert.same({ "1: " .. RECORDED, "a: " .. QUALITY, "a: " .. RECORDED, "external: " .. RECORDED }, state())
    end)
  end)

  describe("meets the limit of webhooks", function()
    it("with a clear error, before it changes anything", function()
      start()
      for i = 1, 9 do put("x" .. i, "x" .. i, { RECORDED }) end
      local plan, err = client.webhooks:sync { want("x1", QUALITY), want("y", RECORDED) }
      assert.is_nil(plan)
      assert.equal("invalid_request", err.kind)
      assert.equal(0, err.attempts)
      assert.is_false(err.retryable)
      assert.equal("POST", err.request.method)
      assert.equal(api.url .. "/webhooks", err.request.url)
      assert.truthy(err.message:find("limit of webhooks is 10, but this needs 11: 9 existing and 2 new", 1, true), err)
      assert.equal("GET", methods())
      assert.same({ 2, 1, 0 }, { #err.plan.create, #err.plan.delete, #err.plan.keep })
    end)

    it("in a dry run, too, and shows the plan", function()
      start()
      for i = 1, 10 do put("x" .. i, "x" .. i, { RECORDED }) end
      local shown = 0
      local plan, err = client.webhooks:sync({ want("x1", QUALITY) },
        { dry_run = true, on_plan = function() shown = shown + 1 end })
      assert.is_nil(plan)
      assert.equal("invalid_request", err.kind)
      assert.equal(1, shown)
    end)

    it("exactly at the limit", function()
      start()
      for i = 1, 9 do put("x" .. i, "x" .. i, { RECORDED }) end
      assert(client.webhooks:sync { want("x1", QUALITY) })
      assert.equal("GET POST DELETE GET", methods())
      put("10th", "10th", { RECORDED })
      put("11th", "11th", { RECORDED })
      assert(client.webhooks:sync { want("x1", QUALITY) }) -- over it, but there is nothing to create
    end)

    it("of an account with another limit", function()
      start { webhook_limit = 2 }
      put("a", "a", { RECORDED })
      put("b", "b", { RECORDED })
      local plan, err = client.webhooks:sync({ want("c", RECORDED) }, { limit = 2 })
      assert.is_nil(plan)
      assert.truthy(err.message:find("limit of webhooks is 2, but this needs 3", 1, true))
      for limit, numbers in pairs { [1] = "is 1, but this needs 3: 2 existing and 1 new", [0] = "is 0," } do
        local _, problem = client.webhooks:sync({ want("c", RECORDED) }, { limit = limit })
        assert.truthy(problem.message:find("the account's limit of webhooks " .. numbers, 1, true), problem)
      end
      local _, rejected = client.webhooks:sync({ want("c", RECORDED) })
      assert.equal("invalid_request", rejected.kind) -- by api.video
      assert.equal(400, rejected.status)
      assert.same({}, rejected.plan.created)
      assert.same({ "a: " .. RECORDED, "b: " .. RECORDED }, state())
    end)
  end)
end)
