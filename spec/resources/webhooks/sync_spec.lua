-- Desired state: the requests, their order, and the state after an interrupted run.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local json = require "apivideo.util.json"
local running = require "spec.support.running"

local RECORDED, QUALITY = "video.source.recorded", "video.encoding.quality.completed"
local CAPTION, SUMMARY = "video.caption.generated", "video.summary.generated"

describe("webhooks:sync", function()
  local api, client

  after_each(running.stop)

  local function start(more)
    api = running.emulator(more)
    client = client_of(api.url)
  end

  -- A webhook that exists before, created so many seconds ago if that is given.
  local function put(id, url, events, age)
    local webhook = { webhookId = "webhook_" .. id, url = "https://example.com/" .. url, events = events,
      createdAt = age and os.date("!%Y-%m-%dT%H:%M:%S+00:00", os.time() - age) or "2024-01-01T00:00:00+00:00",
      signatureSecret = "sig_sec_" .. id }
    api.webhooks:put(webhook)
    return webhook
  end

  local function want(url, ...)
    return { url = "https://example.com/" .. url, events = { ... } }
  end

  -- The webhooks of the account: "path: types", sorted.
  local function state()
    local lines = {}
    for _, item in ipairs(api.webhooks.items) do
      lines[#lines + 1] = item.url:match("[^/]*$") .. ": " .. table.concat(item.events, " ")
    end
    table.sort(lines)
    return lines
  end

  -- The methods of the requests since a number of them.
  local function methods(since)
    local list = {}
    for i = (since or 0) + 1, #api.requests do list[#list + 1] = api.requests[i].method end
    return table.concat(list, " ")
  end

  local function ids_of(list)
    local ids = {}
    for i, item in ipairs(list) do ids[i] = item.webhookId end
    return ids
  end

  it("creates missing webhooks before it deletes those that they replace", function()
    start()
    put("old", "a", { RECORDED })
    put("kept", "b", { QUALITY })
    put("external", "external", { RECORDED })
    local plan = assert(client.webhooks:sync { want("a", RECORDED, QUALITY), want("b", QUALITY), want("c", CAPTION) })
    assert.equal("GET POST POST DELETE GET", methods())
    assert.equal("/webhooks/webhook_old", api.requests[4].path)
    assert.same({ "a: " .. RECORDED .. " " .. QUALITY, "b: " .. QUALITY, "c: " .. CAPTION, "external: " .. RECORDED },
      state())
    assert.equal(2, #plan.created)
    assert.same({ api.webhooks.items[3].webhookId, api.webhooks.items[4].webhookId }, ids_of(plan.created))
    assert.truthy(plan.created[1].signatureSecret:find("^sig_sec_"))
    assert.same({ "webhook_old" }, ids_of(plan.delete))
    assert.same({ "webhook_kept" }, ids_of(plan.keep))
    assert.same({ want("a", RECORDED, QUALITY), want("c", CAPTION) }, plan.create)
  end)

  it("is idempotent: the second run only reads", function()
    start()
    put("old", "a", { RECORDED })
    local wanted = { want("a", QUALITY), want("b", RECORDED, CAPTION), want("b", SUMMARY) }
    assert(client.webhooks:sync(wanted))
    local before, requests = state(), #api.requests
    local plan = assert(client.webhooks:sync(wanted))
    assert.same(before, state())
    assert.equal("GET", methods(requests))
    assert.same({ 0, 0, 3, 0 }, { #plan.create, #plan.delete, #plan.keep, #plan.created })
  end)

  it("ignores the order of event types, and duplicates", function()
    start()
    put("a", "a", { RECORDED, QUALITY, CAPTION })
    assert(client.webhooks:sync { want("a", CAPTION, RECORDED, QUALITY) })
    assert(client.webhooks:sync { want("a", CAPTION, RECORDED, QUALITY, CAPTION) })
    assert.equal("GET GET", methods())
  end)

  it("compares paths exactly", function()
    start()
    put("a", "a", { RECORDED })
    put("b", "a/", { RECORDED })
    local plan = assert(client.webhooks:sync({ want("A", RECORDED), want("a", RECORDED) }, { dry_run = true }))
    assert.same({ want("A", RECORDED) }, plan.create)
    assert.same({}, plan.delete)
  end)

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

  it("restores what another client deleted during the run", function()
    start()
    put("b", "a", { QUALITY })
    put("a", "a", { RECORDED })
    client = client_of(api.url, { on_request = function(request)
      -- The other client no longer wants QUALITY, and this one no longer wants RECORDED.
      if request.method == "DELETE" then api.webhooks:remove "webhook_b" end
    end })
    local plan = assert(client.webhooks:sync { want("a", QUALITY) })
    assert.equal("GET DELETE GET POST", methods())
    assert.same({ "a: " .. QUALITY }, state())
    assert.same(ids_of(api.webhooks.items), ids_of(plan.created))
  end)

  it("plans without a change in a dry run", function()
    start()
    put("old", "a", { RECORDED })
    put("kept", "b", { CAPTION, QUALITY })
    put("external", "external", { RECORDED })
    local before, plans = state(), {}
    local plan = assert(client.webhooks:sync({ want("a", QUALITY, RECORDED), want("b", QUALITY, CAPTION) },
      { dry_run = true, on_plan = function(it_is) plans[#plans + 1] = it_is end }))
    assert.same(before, state())
    assert.equal("GET", methods())
    assert.is_nil(plan.created)
    assert.equal(1, #plans)
    assert.equal(plan, plans[1])
    assert.equal(table.concat({
      "create https://example.com/a (video.encoding.quality.completed, video.source.recorded)",
      "delete webhook_old https://example.com/a (video.source.recorded)",
      "keep   webhook_kept https://example.com/b (video.caption.generated, video.encoding.quality.completed)",
    }, "\n"), tostring(plan))
  end)

  it("reports when there is nothing to do, and shows no credentials", function()
    start()
    assert.equal("nothing to do", tostring(assert(client.webhooks:sync({}))))
    local plan = assert(client.webhooks:sync({ { url = "https://user:secret@example.com/", events = { RECORDED } } },
      { dry_run = true }))
    assert.equal("create https://***@example.com/ (video.source.recorded)", tostring(plan))
  end)

  it("shows the plan before the first change, and makes none when that raises", function()
    start()
    put("old", "a", { RECORDED })
    local shown
    local plan = assert(client.webhooks:sync({ want("a", QUALITY) }, {
      on_plan = function(it_is)
        shown = tostring(it_is)
        assert.equal("GET", methods())
        apivideo.sleep(0) -- it may wait
      end,
    }))
    assert.equal(tostring(plan), shown)
    assert.equal("GET POST DELETE GET", methods())
    local ok, err = pcall(client.webhooks.sync, client.webhooks, { want("a", CAPTION) },
      { on_plan = function() error({ "not confirmed" }) end })
    assert.is_false(ok)
    assert.same({ "not confirmed" }, err)
    assert.equal("GET POST DELETE GET GET", methods())
  end)

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
      assert.truthy(err.message:find("can have 10 webhooks, but this needs 11: 9 exist, and 2 more", 1, true), err)
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
      assert.truthy(err.message:find("can have 2 webhooks, but this needs 3", 1, true))
      local _, rejected = client.webhooks:sync({ want("c", RECORDED) })
      assert.equal("invalid_request", rejected.kind) -- by api.video
      assert.equal(400, rejected.status)
      assert.same({}, rejected.plan.created)
      assert.same({ "a: " .. RECORDED, "b: " .. RECORDED }, state())
    end)
  end)

  it("reads long lists to their end", function()
    start { webhook_limit = 500 }
    local wanted = {}
    for i = 1, 250 do
      put(i, "x" .. i, { RECORDED })
      wanted[i] = want("x" .. i, RECORDED)
    end
    put("old", "y", { RECORDED })
    wanted[251] = want("y", QUALITY)
    local plan = assert(client.webhooks:sync(wanted, { limit = 500 }))
    assert.same({ 1, 1, 250 }, { #plan.create, #plan.delete, #plan.keep })
    assert.equal("GET GET GET POST DELETE GET GET GET", methods())
  end)

  it("reads long lists also when the server sends smaller pages", function()
    start()
    local items, wanted = {}, {}
    for i = 1, 60 do
      items[i] = { webhookId = "webhook_" .. i, url = "https://example.com/" .. i, events = { RECORDED } }
      wanted[i] = want(i, RECORDED)
    end
    local p = running.serving(function(request)
      local number = tonumber(request.line:match("^GET /webhooks%?currentPage=(%d+)&"))
      local data = json.array {}
      for i = 25 * number - 24, math.min(60, 25 * number) do data[#data + 1] = items[i] end
      return "200 OK", nil, json.encode { data = data,
        pagination = { currentPage = number, pageSize = 25, itemsTotal = 60 } }
    end)
    local plan = assert(client_of(p.url).webhooks:sync(wanted, { limit = 100 }))
    assert.same({ 0, 0, 60 }, { #plan.create, #plan.delete, #plan.keep })
  end)

  it("accepts that a webhook was already deleted", function()
    start()
    put("a", "a", { RECORDED })
    put("b", "b", { RECORDED })
    local plan = assert(client.webhooks:sync({ want("a", QUALITY), want("b", QUALITY) },
      { on_plan = function() api.webhooks:remove("webhook_a") end }))
    assert.equal(2, #plan.delete)
    assert.equal("GET POST POST DELETE DELETE GET", methods())
    assert.same({ "a: " .. QUALITY, "b: " .. QUALITY }, state())
  end)

  it("returns the failure of the list, and changes nothing", function()
    start()
    put("a", "a", { RECORDED })
    api:fault { status = 503, on = "GET /webhooks" }
    local plan, err = client.webhooks:sync { want("a", QUALITY) }
    assert.is_nil(plan)
    assert.is_true(errors.is(err))
    assert.equal("server_error", err.kind)
    assert.is_nil(err.plan)
    assert.equal("GET", methods())
  end)

  it("rejects a list of webhooks without ids", function()
    local p = running.responding("200 OK", nil, [[{"data":[{"url":"https://example.com/a","events":["x"]}]}]])
    local plan, err = client_of(p.url).webhooks:sync { want("a", RECORDED) }
    assert.is_nil(plan)
    assert.equal("unexpected_response", err.kind)
    assert.equal(200, err.response.status)
    assert.equal(1, #p.requests)
  end)

  it("shows webhooks that lack a url or events", function()
    local p = running.responding("200 OK", nil, [[{"data":[{"webhookId":"webhook_1"},{"webhookId":"webhook_2",
      "url":null,"events":null}]}]])
    local plan = assert(client_of(p.url).webhooks:sync({},
      { prune = true, dry_run = true, owned_by = function() return true end }))
    assert.equal("delete webhook_1 nil ()\ndelete webhook_2 userdata: NULL ()",
      (tostring(plan):gsub("userdata: [%(%)%w]+", "userdata: NULL")))
  end)

  describe("completes an interrupted run", function()
    local wanted = { want("a", QUALITY), want("b", RECORDED), want("c", CAPTION), want("keep", SUMMARY) }
    local WRITES = 6 -- a, b, c are created; earlier, old_a, mine are deleted
    local options = {
      prune = true,
      owned_by = function(webhook) return not webhook.url:find("/external", 1, true) end,
    }

    local function account()
      start()
      put("old_a", "a", { RECORDED })
      put("keep", "keep", { SUMMARY })
      put("earlier", "keep", { SUMMARY })
      put("mine", "mine", { RECORDED })
      put("external", "external", { RECORDED })
      put("external2", "external", { RECORDED })
    end

    local final = { "a: " .. QUALITY, "b: " .. RECORDED, "c: " .. CAPTION, "external: " .. RECORDED,
      "external: " .. RECORDED, "keep: " .. SUMMARY }

    local function count_writes()
      local count = 0
      for _, request in ipairs(api.requests) do
        if request.method ~= "GET" then count = count + 1 end
      end
      return count
    end

    -- After an interrupted run: the next one completes it, and the one after that has nothing to do.
    local function assert_completed()
      api:clear_faults()
      client = client_of(api.url)
      assert(client.webhooks:sync(wanted, options))
      assert.same(final, state())
      assert.is_truthy(api.webhooks:find("webhook_external"))
      assert.is_truthy(api.webhooks:find("webhook_external2"))
      assert.is_truthy(api.webhooks:find("webhook_keep"))
      local requests = #api.requests
      assert(client.webhooks:sync(wanted, options))
      assert.equal("GET", methods(requests))
    end

    -- A wanted url that had a webhook before and has none now, or nil. There must be none at any time.
    local function unserved()
      local served = {}
      for _, webhook in ipairs(api.webhooks.items) do served[webhook.url] = true end
      for _, url in ipairs { "a", "keep", "external" } do
        if not served["https://example.com/" .. url] then return url end
      end
    end

    it("or one that was not interrupted", function()
      account()
      assert(client.webhooks:sync(wanted, options))
      assert.equal(WRITES, count_writes())
      assert.same(final, state())
      assert_completed()
    end)

    local faults = {
      ["the server failing"] = { status = 500 },
      ["the connection lost before the request was read"] = { reset = "before" },
      ["the connection lost after it"] = { reset = "after" },
      ["a truncated response"] = { truncate = true },
    }

    for name, fault in pairs(faults) do
      for _, times in ipairs { 1, math.huge } do
        it(("by %s, %s, at any write"):format(name, times == 1 and "once" or "from then on"), function()
          for n = 1, WRITES do
            account()
            local writes, missing = 0, nil
            client = client_of(api.url, { on_request = function(request)
              if request.method == "GET" then return end
              writes = writes + 1
              missing = missing or unserved()
              if writes ~= n then return end
              for _, on in ipairs { "POST /webhooks", "DELETE /webhooks/.*" } do
                local one = { on = on, times = times }
                for key, value in pairs(fault) do one[key] = value end
                api:fault(one)
              end
            end })
            local plan, err = client.webhooks:sync(wanted, options)
            if not plan then
              assert.is_true(errors.is(err))
              assert.is_table(err.plan.created)
            end
            assert.is_nil(missing or unserved())
            assert_completed()
          end
        end)
      end
    end

    -- A process that ends: it sends nothing more.
    for when, hook in pairs { before = "on_request", after = "on_response" } do
      it("by the end of the process, " .. when .. " any write", function()
        for n = 1, WRITES do
          account()
          local cancel, writes = apivideo.cancellation(), 0
          client = client_of(api.url, { [hook] = function(fact)
            if (fact.method or fact.request.method) == "GET" then return end
            writes = writes + 1
            if writes == n then cancel:cancel() end
          end })
          local given = { cancel = cancel }
          for key, value in pairs(options) do given[key] = value end
          local plan, err = client.webhooks:sync(wanted, given)
          if n < WRITES or when == "before" then
            assert.is_nil(plan)
            assert.equal("cancelled", err.kind)
            assert.is_table(err.plan.created)
          end
          assert.equal(when == "before" and n - 1 or n, count_writes())
          assert.is_nil(unserved())
          assert_completed()
        end
      end)
    end
  end)

  it("reports what was done before a failure", function()
    start()
    put("old", "a", { RECORDED })
    api:fault { status = 500, on = "DELETE /webhooks/.*" }
    local plan, err = client.webhooks:sync { want("a", QUALITY) }
    assert.is_nil(plan)
    assert.equal("server_error", err.kind)
    assert.equal("DELETE", err.request.method)
    assert.equal(1, #err.plan.created)
    assert.same({ "webhook_old" }, ids_of(err.plan.delete))
  end)

  it("works in a task, and passes its call options on", function()
    start()
    local plan
    apivideo.run(function()
      plan = client.webhooks:sync({ want("a", RECORDED) }, { headers = { ["X-Run"] = "5" }, timeout = 30 })
    end)
    assert.equal(1, #plan.created)
    for _, request in ipairs(api.requests) do assert.equal("5", request.headers["x-run"]) end
    local cancel = apivideo.cancellation()
    cancel:cancel()
    local none, err = client.webhooks:sync({ want("b", RECORDED) }, { cancel = cancel })
    assert.is_nil(none)
    assert.equal("cancelled", err.kind)
    assert.equal(2, #api.requests)
  end)

  it("raises for misuse, naming the argument", function()
    start()
    local function message(...)
      local given = { ... }
      local ok, err = pcall(function() return (client.webhooks:sync(given[1], given[2])) end)
      assert.is_false(ok)
      assert.truthy(tostring(err):find("webhooks/sync_spec.lua", 1, true), err)
      return err
    end
    local some = { want("a", RECORDED) }
    assert.truthy(message():find("webhooks:sync: a list of webhooks expected, got nil", 1, true))
    assert.truthy(message("x"):find("a list of webhooks expected, got string", 1, true))
    -- A single webhook, and a list with a hole, have a length that is too small.
    assert.truthy(message(want("a", RECORDED)):find("a list of webhooks expected: {", 1, true))
    assert.truthy(message({ want("a", RECORDED), nil, want("b", RECORDED) }):find("a list of webhooks expected: {",
      1, true))
    assert.truthy(message({ "https://example.com/" }):find("a list of webhooks expected: {", 1, true))
    for _, limit in ipairs { -1, 1.5, 0 / 0 } do
      assert.truthy(message(some, { limit = limit }):find("limit", 1, true))
    end
    assert.truthy(message({ { url = "https://Example.com", events = { RECORDED } },
      { url = "https://example.com:443/", events = { RECORDED } } }):find("webhooks 1 and 2 of the list are the same",
      1, true))
    for _, overlap in ipairs { -1, 86401, 0 / 0, math.huge } do
      assert.truthy(message(some, { overlap = overlap }):find('"overlap" must be a number of seconds', 1, true))
    end
    assert.truthy(message({ { url = "https://example.com/" } }):find('"events" is required', 1, true))
    assert.truthy(message({ { events = { RECORDED } } }):find('"url" is required', 1, true))
    assert.truthy(message({ want("a") }):find("at least one event type", 1, true))
    assert.truthy(message({ want("a", 5) }):find("list of strings", 1, true))
    assert.truthy(message({ { url = "ftp://x", events = { RECORDED } } }):find("http or https URL", 1, true))
    assert.truthy(message({ { url = "https://x", event = {} } }):find('did you mean "events"?', 1, true))
    assert.truthy(message({ want("a", RECORDED, QUALITY), want("b", RECORDED), want("a", QUALITY, RECORDED) })
      :find("webhooks 1 and 3 of the list are the same", 1, true))
    assert.truthy(message(some, { prune = true }):find('option "prune" needs "owned_by"', 1, true))
    assert.truthy(message(some, { owned_by = "me" }):find('"owned_by" must be a function', 1, true))
    assert.truthy(message(some, { dryrun = true }):find('did you mean "dry_run"?', 1, true))
    assert.truthy(message(some, { timeout = 0 }):find('"timeout" must be a number of seconds', 1, true))
    assert.truthy(message(some, { cancel = {} }):find('"cancel" must come from apivideo.cancellation', 1, true))
    assert.equal(0, #api.requests)
  end)
end)
