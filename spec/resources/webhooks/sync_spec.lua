-- Desired state: the requests, their order, and their failures.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local json = require "apivideo.util.json"
local running = require "spec.support.running"
local syncing = require "spec.support.syncing"

local RECORDED, QUALITY, CAPTION, SUMMARY = syncing.RECORDED, syncing.QUALITY, syncing.CAPTION, syncing.SUMMARY
local put, want, state, methods, ids_of = syncing.put, syncing.want, syncing.state, syncing.methods, syncing.ids_of

describe("webhooks:sync", function()
  local api, client

  after_each(running.stop)

  local function start(more) api, client = syncing.start(more) end

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
    assert.same({ "webhook_external" }, ids_of(plan.others))
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
      local arguments = { ... }
      local ok, err = pcall(function() return (client.webhooks:sync(arguments[1], arguments[2])) end)
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
