-- Desired state: which webhook of api.video is a webhook of the list, and which is superseded.

local client_of = require "spec.support.client"
local json = require "apivideo.util.json"
local running = require "spec.support.running"
local syncing = require "spec.support.syncing"

local RECORDED, QUALITY, SUMMARY, put = syncing.RECORDED, syncing.QUALITY, syncing.SUMMARY, syncing.put
local want, state, methods, ids_of = syncing.want, syncing.state, syncing.methods, syncing.ids_of

describe("webhooks:sync", function()
  local api, client

  after_each(running.stop)

  local function start(more) api, client = syncing.start(more) end

  describe("with equal webhooks", function()
    local function keeps(options, ...)
      local plan = assert(client.webhooks:sync({ want("a", QUALITY, RECORDED) }, options))
      assert.same({ ... }, ids_of(api.webhooks.items))
      assert.same({ ... }, ids_of(plan.keep))
    end

    it("keeps the newest in any order of the list", function()
      start()
      put("2", "a", { RECORDED, QUALITY }, 3600)
      put("1", "a", { RECORDED, QUALITY }, 60)
      put("3", "a", { RECORDED, QUALITY }, 7200)
      keeps(nil, "webhook_1")
      assert.equal("GET DELETE DELETE GET", methods())
    end)

    it("keeps the one with the greatest id when all were created in one second", function()
      start()
      for _, id in ipairs { "a", "Z", "b", "B", "9" } do put(id, "a", { RECORDED, QUALITY }) end
      keeps(nil, "webhook_b")
    end)

    it("orders ids by bytes, in every locale", function()
      local before = os.setlocale(nil, "collate")
      finally(function() os.setlocale(before, "collate") end)
      if not os.setlocale("de_DE.UTF-8", "collate") then return pending "there is no locale that sorts a before B" end
      start()
      for _, id in ipairs { "B", "a" } do put(id, "a", { RECORDED, QUALITY }) end
      keeps(nil, "webhook_a")
    end)

    it("deletes none before a newer one has existed for the overlap", function()
      start()
      put("1", "a", { RECORDED, QUALITY }, 86400)
      put("2", "a", { RECORDED, QUALITY }, 3600)
      put("3", "a", { RECORDED, QUALITY }, 5)
      keeps(nil, "webhook_2", "webhook_3") -- the second has long replaced the first
      keeps({ overlap = 3700 }, "webhook_2", "webhook_3")
      keeps({ overlap = 1 }, "webhook_3")
    end)

    it("measures their age by api.video's clock", function()
      local date = "Wed, 01 Jan 2020 00:00:"
      local seconds, deleted = "10", 0
      local p = running.serving(function(request)
        if request.line:find "^DELETE" then
          deleted = deleted + 1
          return "204 No Content"
        end
        return "200 OK", "Date: " .. date .. seconds .. " GMT\r\n", json.encode { data = {
          { webhookId = "webhook_1", url = "https://x/", events = { "a" }, createdAt = "2019-12-31T00:00:00+00:00" },
          { webhookId = "webhook_2", url = "https://x/", events = { "a" }, createdAt = "2020-01-01T00:00:00+00:00" },
        } }
      end)
      local wanted = { { url = "https://x/", events = { "a" } } }
      assert(client_of(p.url).webhooks:sync(wanted))
      assert.equal(0, deleted)
      seconds = "15"
      assert(client_of(p.url).webhooks:sync(wanted))
      assert.equal(1, deleted)
      -- Without a valid date, the newest webhook was created just now.
      date = "some day "
      assert(client_of(p.url).webhooks:sync(wanted))
      assert.equal(1, deleted)
      assert(client_of(p.url).webhooks:sync(wanted, { overlap = 0 }))
      assert.equal(2, deleted)
    end)

    it("counts a createdAt after the time of the Date header as now", function()
      start()
      put("1", "a", { RECORDED, QUALITY }, 86400)
      put("2", "a", { RECORDED, QUALITY }, -3600)
      keeps(nil, "webhook_1", "webhook_2")
      keeps({ overlap = 0 }, "webhook_2")
    end)

    it("deletes none whose createdAt is missing or invalid", function()
      start()
      for id, created_at in pairs { ["1"] = json.null, ["2"] = "yesterday", ["3"] = 5 } do
        put(id, "a", { RECORDED, QUALITY }).createdAt = created_at
      end
      put("4", "a", { RECORDED, QUALITY })
      assert(client.webhooks:sync { want("a", QUALITY, RECORDED) })
      assert.equal("GET", methods())
    end)

    it("deletes superseded ones first, so that they do not count for the limit", function()
      start()
      for i = 1, 9 do put(i, "a", { RECORDED }) end
      put("x", "x", { RECORDED })
      local plan = assert(client.webhooks:sync { want("a", RECORDED), want("b", RECORDED) })
      assert.equal("GET" .. (" DELETE"):rep(8) .. " POST GET", methods())
      assert.same({ "a: " .. RECORDED, "b: " .. RECORDED, "x: " .. RECORDED }, state())
      assert.same({ 1, 8, 1 }, { #plan.create, #plan.delete, #plan.keep })
    end)
  end)

  describe("recognises a webhook whose url api.video returns in another form:", function()
    local forms = {
      ["HTTPS://Example.COM"] = "https://example.com/",
      ["https://example.com:443/a"] = "https://example.com/a",
      ["https://example.com:/a"] = "https://example.com/a",
      ["http://example.com:80?b=C"] = "http://example.com/?b=C",
      ["http://[2001:DB8::1]:80/#F"] = "http://[2001:db8::1]/#F",
      ["https://Me:Word@example.com"] = "https://Me:Word@EXAMPLE.com/",
    }
    local other = {
      { "https://example.com/A", "https://example.com/a" }, { "https://example.com:80/", "https://example.com/" },
      { "http://example.com/", "https://example.com/" }, { "https://Me@example.com/", "https://me@example.com/" },
      { "https://example.com/?A", "https://example.com/?a" }, { "https://example.com/a/", "https://example.com/a" },
    }

    for wanted, written in pairs(forms) do
      it(wanted, function()
        start()
        for _, pair in ipairs { { wanted, written }, { written, wanted } } do
          api.webhooks.items = {}
          api.webhooks:put { webhookId = "webhook_1", url = pair[2], events = { RECORDED } }
          local plan = assert(client.webhooks:sync { { url = pair[1], events = { RECORDED } } })
          assert.same({ 0, 0, 1 }, { #plan.create, #plan.delete, #plan.keep })
          plan = assert(client.webhooks:sync({ { url = pair[1], events = { QUALITY } } }, { dry_run = true }))
          assert.same({ 1, 1, 0 }, { #plan.create, #plan.delete, #plan.keep }) -- it is the url of the list
        end
      end)
    end

    it("but not one with another url", function()
      start()
      for _, pair in ipairs(other) do
        api.webhooks.items = {}
        api.webhooks:put { webhookId = "webhook_1", url = pair[2], events = { RECORDED } }
        local plan = assert(client.webhooks:sync({ { url = pair[1], events = { RECORDED } } }, { dry_run = true }))
        assert.same({ 1, 0, 0 }, { #plan.create, #plan.delete, #plan.keep }, pair[1])
      end
    end)

    it("12 runs create it once", function()
      start()
      local put_item = api.webhooks.put
      function api.webhooks:put(item)
        item.url = item.url:gsub("^https://EXAMPLE.com:443$", "https://example.com/")
        return put_item(self, item)
      end
      for _ = 1, 12 do
        assert(client.webhooks:sync { { url = "https://EXAMPLE.com:443", events = { RECORDED } } })
      end
      assert.equal(1, #api.webhooks.items)
      assert.equal("https://example.com/", api.webhooks.items[1].url)
    end)
  end)

  describe("stops with an error when api.video creates another definition than the wanted one:", function()
    for name, change in pairs {
      ["another url"] = function(item) item.url = item.url .. "?x" end,
      ["other events"] = function(item) item.events = { RECORDED, SUMMARY } end,
    } do
      it(name, function()
        start()
        put("old", "a", { RECORDED })
        local before, put_item = state(), api.webhooks.put
        function api.webhooks:put(item)
          change(item)
          return put_item(self, item)
        end
        for _ = 1, 12 do
          local plan, err = client.webhooks:sync { want("a", RECORDED, QUALITY) }
          assert.is_nil(plan)
          assert.equal("unexpected_response", err.kind)
          assert.truthy(err.message:find("instead of https://example.com/a (" .. QUALITY .. ", " .. RECORDED, 1, true),
            err.message)
          assert.truthy(err.message:find("webhook_%w+ was deleted again"), err.message)
          assert.same({}, err.plan.created)
          assert.same(before, state())
        end
      end)
    end

    it("but a response without url and events proves nothing", function()
      local p = running.serving(function(request)
        if request.line:find "^GET" then return "200 OK", nil, '{"data":[]}' end
        return "201 Created", nil, '{"webhookId":"webhook_1","url":null}'
      end)
      assert(client_of(p.url).webhooks:sync { want("a", RECORDED) })
    end)
  end)
end)
