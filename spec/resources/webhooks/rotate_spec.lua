-- A new secret for a webhook: the steps, their order, and their failures.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local rotation = require "spec.support.rotation"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"

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

  -- The requests to /webhooks and the status of their responses, from a number on.
  local function requests_from(first)
    local lines = {}
    for i = first, #api.requests do
      local request = api.requests[i]
      lines[#lines + 1] = ("%s %s %d"):format(request.method, request.path, request.status or 0)
    end
    return lines
  end

  it("creates an equal webhook, then deletes the old one", function()
    local old = old_webhook()
    local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0 }))
    assert.same({ "GET /webhooks/" .. old.webhookId .. " 200", "POST /webhooks 201",
      "GET /webhooks/" .. new.webhookId .. " 200", "DELETE /webhooks/" .. old.webhookId .. " 204" }, requests_from(2))
    assert.same({ new }, api.webhooks.items)
    assert.equal(old.url, new.url)
    assert.same(old.events, new.events)
    assert.are_not.equal(old.webhookId, new.webhookId)
    assert.are_not.equal(old.signatureSecret, new.signatureSecret)
  end)

  it("calls on_created with the new webhook while both exist", function()
    local old = old_webhook()
    local told
    local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0, on_created = function(a, b)
      told = { a, b }
      assert.equal(2, #api.webhooks.items)
      apivideo.sleep(0)
    end }))
    assert.equal(new, told[1])
    assert.same(old, told[2])
  end)

  it("waits for the overlap before it deletes", function()
    local deleted_at
    client = client_of(api.url, { on_request = function(request)
      if request.method == "DELETE" then deleted_at = runtime.monotonic() end
    end })
    for _, cancel in ipairs { false, apivideo.cancellation() } do
      local old, created_at = old_webhook(), nil
      assert(client.webhooks:rotate(old.webhookId, { overlap = 0.05, cancel = cancel or nil,
        on_created = function() created_at = runtime.monotonic() end }))
      assert.is_true(deleted_at - created_at >= 0.05)
      assert.is_nil((api.webhooks:find(old.webhookId)))
    end
  end)

  it("has a default overlap", function()
    local old, cancel = old_webhook(), apivideo.cancellation()
    local none, err = client.webhooks:rotate(old.webhookId, { cancel = cancel, on_created = function()
      apivideo.spawn(function()
        apivideo.sleep(0.05)
        cancel:cancel()
      end)
    end })
    assert.is_nil(none)
    assert.equal("cancelled", err.kind)
    assert.equal(2, #api.webhooks.items)
  end)

  it("leaves both when on_created raises", function()
    local old = old_webhook()
    local none, err = client.webhooks:rotate(old.webhookId,
      { overlap = 0, on_created = function() error("cannot be stored") end })
    assert.is_nil(none)
    assert.equal("cancelled", err.kind)
    assert.truthy(err.message:find("cannot be stored", 1, true))
    assert.truthy(err.webhook.webhookId:find("^webhook_"))
    assert.equal(2, #api.webhooks.items)
  end)

  it("returns the new webhook when on_created raises a value that cannot be printed", function()
    local old = old_webhook()
    local unprintable = setmetatable({}, { __tostring = function() return {} end })
    local none, err = client.webhooks:rotate(old.webhookId,
      { overlap = 0, on_created = function() error(unprintable) end })
    assert.is_nil(none)
    assert.truthy(err.message:find("__tostring failed", 1, true))
    assert.truthy(err.webhook.webhookId:find("^webhook_"))
  end)

  it("leaves both, and returns the new one, when it is cancelled in the overlap", function()
    local old = old_webhook()
    local cancel = apivideo.cancellation()
    local none, err = client.webhooks:rotate(old.webhookId, { overlap = 3600, cancel = cancel,
      on_created = function() apivideo.spawn(function() cancel:cancel() end) end })
    assert.is_nil(none)
    assert.is_true(errors.is(err))
    assert.equal("cancelled", err.kind)
    assert.truthy(err.message:find("both webhooks exist", 1, true))
    assert.same({ old, err.webhook }, api.webhooks.items)
    assert.same({ "GET /webhooks/" .. old.webhookId .. " 200", "POST /webhooks 201" }, requests_from(2))
  end)

  it("does nothing when it was cancelled before", function()
    local old = old_webhook()
    local cancel = apivideo.cancellation()
    cancel:cancel()
    local none, err = client.webhooks:rotate(old.webhookId, { cancel = cancel })
    assert.is_nil(none)
    assert.equal("cancelled", err.kind)
    assert.is_nil(err.webhook)
    assert.equal(1, #api.requests)
  end)

  it("leaves the old one when the limit of webhooks is reached", function()
    local old = old_webhook()
    for i = 2, 10 do old_webhook("https://example.com/" .. i) end
    local none, err = client.webhooks:rotate(old.webhookId, { overlap = 0,
      on_created = function() error("none was created") end })
    assert.is_nil(none)
    assert.equal("invalid_request", err.kind)
    assert.equal(400, err.status)
    assert.is_nil(err.webhook)
    assert.equal(10, #api.webhooks.items)
    assert.same(old, api.webhooks.items[1])
  end)

  it("does not take the old webhook for the new one when the response is lost", function()
    local old = old_webhook()
    client = client_of(api.url) -- which has not seen it made
    api:fault { status = 500, on = "POST /webhooks" }
    local none, err = client.webhooks:rotate(old.webhookId, { overlap = 0 })
    assert.is_nil(none)
    assert.equal("server_error", err.kind)
    assert.is_nil(err.webhook)
    assert.same({ old }, api.webhooks.items)
    api:fault { reset = "after", on = "POST /webhooks" }
    local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0 }))
    assert.are_not.equal(old.webhookId, new.webhookId)
    assert.same({ new }, api.webhooks.items)
  end)

  it("leaves both when the old one cannot be deleted, and returns the new one", function()
    local old = old_webhook()
    api:fault { status = 500, on = "DELETE /webhooks/.*" }
    local none, err = client.webhooks:rotate(old.webhookId, { overlap = 0 })
    assert.is_nil(none)
    assert.equal("server_error", err.kind)
    assert.equal("DELETE", err.request.method)
    assert.same({ old, err.webhook }, api.webhooks.items)
  end)

  it("succeeds when another client has deleted the old one during the overlap", function()
    local old = old_webhook()
    local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0,
      on_created = function() api.webhooks:remove(old.webhookId) end }))
    assert.same({ new }, api.webhooks.items)
  end)

  describe("beside another client of the account", function()
    it("keeps the new one when that synchronizes in the overlap, and the old one until the overlap is over", function()
      local old = old_webhook()
      local wanted = { { url = old.url, events = old.events } }
      local other = client_of(api.url)
      local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0.3, on_created = function(new)
        assert(other.webhooks:sync(wanted))
        assert.same({ old, new }, api.webhooks.items)
        assert(other.webhooks:sync(wanted, { overlap = 0 }))
        assert.same({ new }, api.webhooks.items)
      end }))
      assert.same({ new }, api.webhooks.items)
    end)

    it("does not delete the old one when the new one was deleted in the overlap", function()
      local old = old_webhook()
      local none, err = client.webhooks:rotate(old.webhookId, { overlap = 0,
        on_created = function(new) api.webhooks:remove(new.webhookId) end })
      assert.is_nil(none)
      assert.equal("conflict", err.kind)
      assert.truthy(err.message:find("another client deleted the new webhook", 1, true))
      assert.is_nil(err.webhook)
      assert.same({ old }, api.webhooks.items)
    end)

    it("does not delete the old one when it is unknown whether the new one exists", function()
      local old = old_webhook()
      local none, err = client.webhooks:rotate(old.webhookId, { overlap = 0,
        on_created = function() api:fault { status = 500, on = "GET /webhooks/.*" } end })
      assert.is_nil(none)
      assert.equal("server_error", err.kind)
      assert.same({ old, err.webhook }, api.webhooks.items)
    end)
  end)

  it("waits until the new one has a later createdAt, so that it is newer for every client", function()
    client = client_of(api.url)
    for _ = 1, 2 do
      local old = assert(client.webhooks:create { url = "https://example.com/", events = { RECORDED } })
      local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0 }))
      assert.is_true(new.createdAt > old.createdAt)
    end
  end)

  it("deletes the new one when it is not newer than the old one, because clocks of api.video differ", function()
    local old = old_webhook()
    old.createdAt = "2124-01-01T00:00:00+00:00"
    api.webhooks:find(old.webhookId).createdAt = old.createdAt
    local none, err = client.webhooks:rotate(old.webhookId, { overlap = 0 })
    assert.is_nil(none)
    assert.equal("conflict", err.kind)
    assert.truthy(err.message:find("rotate again later", 1, true))
    assert.is_nil(err.webhook)
    assert.same({ old }, api.webhooks.items)
  end)

  it("returns the new one with the error when it cannot be deleted", function()
    local old, put_item = old_webhook(), api.webhooks.put
    old.createdAt = "2124-01-01T00:00:00+00:00"
    api.webhooks:find(old.webhookId).createdAt = old.createdAt
    api:fault { status = 500, on = "DELETE /webhooks/.*" }
    local _, err = client.webhooks:rotate(old.webhookId, { overlap = 0 })
    assert.equal("conflict", err.kind)
    assert.truthy(err.message:find("could not be deleted again (server_error)", 1, true), err.message)
    assert.same({ old, err.webhook }, api.webhooks.items)
    api.webhooks:remove(err.webhook.webhookId)
    api:fault { status = 500, on = "DELETE /webhooks/.*" }
    function api.webhooks:put(item)
      item.url = item.url .. "?x"
      return put_item(self, item)
    end
    _, err = client.webhooks:rotate(old.webhookId, { overlap = 0 })
    assert.equal("unexpected_response", err.kind)
    assert.truthy(err.message:find("could not be deleted again (server_error)", 1, true), err.message)
    assert.same({ old, err.webhook }, api.webhooks.items)
  end)

  it("deletes nothing when the new one has another url or the id of the old one", function()
    local old, put_item = old_webhook(), api.webhooks.put
    function api.webhooks:put(item)
      item.url = item.url .. "?x"
      return put_item(self, item)
    end
    local none, err = client.webhooks:rotate(old.webhookId, { overlap = 0 })
    assert.is_nil(none)
    assert.equal("unexpected_response", err.kind)
    assert.is_nil(err.webhook)
    assert.same({ old }, api.webhooks.items)
    local p = running.responding("200 OK", nil, '{"webhookId":"webhook_1","url":"https://x/","events":["a"]}')
    none, err = client_of(p.url).webhooks:rotate("webhook_1", { overlap = 0 })
    assert.is_nil(none)
    assert.equal("unexpected_response", err.kind)
    assert.equal(200, err.response.status)
    assert.equal(2, #p.requests)
  end)

  it("creates nothing when the webhook does not exist, or cannot be read", function()
    client = client_of(api.url)
    local none, err = client.webhooks:rotate("webhook_unknown", { overlap = 0 })
    assert.is_nil(none)
    assert.equal("not_found", err.kind)
    assert.is_nil(err.webhook)
    local old = old_webhook()
    api:fault { status = 500, on = "GET /webhooks/.*" }
    none, err = client.webhooks:rotate(old.webhookId, { overlap = 0 })
    assert.is_nil(none)
    assert.equal("server_error", err.kind)
    assert.same({ old }, api.webhooks.items)
  end)

  it("does not replace a webhook that lacks a url or events", function()
    for _, body in ipairs { '{"webhookId":"webhook_1"}', '{"webhookId":"webhook_1","url":"https://x"}',
      '{"webhookId":"webhook_1","url":null,"events":["a"]}', '{"webhookId":"webhook_1","url":"https://x","events":[]}',
      '{"webhookId":"webhook_1","url":"https://x","events":null}' } do
      local p = running.responding("200 OK", nil, body)
      local none, err = client_of(p.url).webhooks:rotate("webhook_1", { overlap = 0 })
      assert.is_nil(none)
      assert.equal("unexpected_response", err.kind)
      assert.equal(body, err.response.body)
      assert.equal(p.url .. "/webhooks/webhook_1", err.request.url)
      assert.is_nil(err.webhook)
      assert.equal(1, #p.requests)
    end
  end)

  it("passes its call options on", function()
    local old = old_webhook()
    assert(client.webhooks:rotate(old.webhookId, { overlap = 0, headers = { ["X-Run"] = "7" }, retries = 0 }))
    for i = 2, 5 do assert.equal("7", api.requests[i].headers["x-run"]) end
  end)

  it("raises for misuse, naming the argument", function()
    client = client_of(api.url)
    local function message(id, options)
      local ok, err = pcall(function() return (client.webhooks:rotate(id, options)) end)
      assert.is_false(ok)
      assert.truthy(tostring(err):find("webhooks/rotate_spec.lua", 1, true), err)
      return err
    end
    assert.truthy(message():find("webhooks:rotate: webhookId must be a string, got nil", 1, true))
    for _, overlap in ipairs { -1, 86401, 0 / 0, math.huge } do
      assert.truthy(message("webhook_1", { overlap = overlap }):find('"overlap" must be a number of seconds', 1, true))
    end
    assert.truthy(message("webhook_1", { overlap = "1" }):find('"overlap" must be a number', 1, true))
    assert.truthy(message("webhook_1", { on_create = print }):find('did you mean "on_created"?', 1, true))
    assert.truthy(message("webhook_1", { on_created = 5 }):find('"on_created" must be a function', 1, true))
    assert.truthy(message("webhook_1", "x"):find("a table of options expected", 1, true))
    assert.equal(0, #api.requests)
  end)
end)
