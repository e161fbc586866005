-- Retries of a request that creates a webhook, whose response may be lost.

local apivideo = require "apivideo"
local stepwise = require "spec.support.steps"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local waits = require "spec.support.waits"

local steps, client_of = stepwise.serve, stepwise.client_of
local WANTED = stepwise.WANTED
local close, truncate, stall = stepwise.close, stepwise.truncate, stepwise.stall

describe("retries", function()
  before_each(function() waits.set(0.01, 0.02) end)

  after_each(function()
    running.stop()
    waits.restore()
  end)

  describe("of webhooks:create", function()
    -- The names of days and months are English in any locale.
    local function http_date(time)
      local locale = os.setlocale(nil, "time")
      os.setlocale("C", "time")
      local text = os.date("!%a, %d %b %Y %H:%M:%S GMT", time)
      os.setlocale(locale, "time")
      return text
    end

    -- A list with webhooks that were created so many seconds ago by a clock that is `skew` ahead.
    local function listing(ages, skew)
      return function(connection)
        local now, items = os.time() + (skew or 0), {}
        for i, age in ipairs(ages) do
          items[i] = ('{"webhookId":"webhook_%d","url":"https://example.com/","events":["video.source.recorded"],'
            .. '"createdAt":"%s"}'):format(i, os.date("!%Y-%m-%dT%H:%M:%S+00:00", now - age))
        end
        connection:respond("200 OK", "Date: " .. http_date(now) .. "\r\n",
          '{"data":[' .. table.concat(items, ",") .. '],"pagination":{"links":[]}}')
      end
    end

    it("find the webhook that was created although its response was lost", function()
      for _, skew in ipairs { 0, 3600, -3600 } do
        for _, step in ipairs { "504 X", close, truncate, { "201 Created", nil, "<html>" }, "201 Created" } do
          local url, asked = steps(step, listing({ 0, 100 }, skew))
          local webhook = assert(client_of(url).webhooks:create(WANTED))
          assert.equal("webhook_1", webhook.webhookId)
          assert.same({ "POST /webhooks", "GET /webhooks" }, asked)
        end
      end
    end)

    it("create a webhook when none exists, or only an older one", function()
      for _, ages in ipairs { {}, { 100 }, { 50, 3600 } } do
        local url, asked = steps(close, listing(ages), { "201 X", nil, '{"webhookId":"webhook_9"}' })
        assert.equal("webhook_9", assert(client_of(url).webhooks:create(WANTED)).webhookId)
        assert.same({ "POST /webhooks", "GET /webhooks", "POST /webhooks" }, asked)
      end
    end)

    it("do not create another webhook after a timeout: the server may still be processing", function()
      for _, step in ipairs { "504 X", stall } do
        local url, asked = steps(step, listing {})
        local webhook, err = client_of(url, { timeout = step == stall and 1 or 60 }).webhooks:create(WANTED)
        assert.is_nil(webhook)
        assert.is_true(err.in_doubt)
        assert.is_false(err.retryable)
        assert.same({ "POST /webhooks", "GET /webhooks" }, asked)
      end
    end)

    it("keep the total timeout of the call during the search", function()
      local function slow(connection) connection:read_request() return false end
      local url, asked = steps(close, slow)
      local began = runtime.monotonic()
      local webhook, err = client_of(url, { total_timeout = 1, timeout = 30 }).webhooks:create(WANTED)
      assert.is_nil(webhook)
      assert.is_true(err.in_doubt)
      assert.is_true(runtime.monotonic() - began < 5)
      assert.equal("GET /webhooks", asked[2])
    end)

    it("understand a date that comes twice", function()
      local url = steps(close, { "200 OK", "Date: x\r\nDate: y\r\n", '{"data":[],"pagination":{}}' },
        { "201 X", nil, '{"webhookId":"webhook_9"}' })
      assert.equal("webhook_9", assert(client_of(url).webhooks:create(WANTED)).webhookId)
    end)

    it("that are cancelled do not search", function()
      local cancel = apivideo.cancellation()
      local url, asked = steps(function(connection)
        cancel:cancel()
        connection:read_request()
        return false
      end)
      local webhook, err = client_of(url).webhooks:create(WANTED, { cancel = cancel })
      assert.is_nil(webhook)
      assert.equal("cancelled", err.kind)
      assert.is_true(err.in_doubt)
      assert.equal(1, #asked)
    end)

    it("that are equal run one after the other, within their timeouts", function()
      local url = steps(stall)
      local client = client_of(url, { timeout = 0.5, retries = 0 })
      local _, errors = apivideo.parallel(3, { {}, { total_timeout = 0.1 }, { cancel = apivideo.cancellation() } },
        function(options)
          if options.cancel then apivideo.spawn(function() apivideo.sleep(0.1) options.cancel:cancel() end) end
          return client.webhooks:create(WANTED, options)
        end)
      assert.equal("timeout", errors[1].kind)
      assert.equal(1, errors[1].attempts)
      assert.equal("timeout", errors[2].kind)
      assert.equal(0, errors[2].attempts)
      assert.equal("cancelled", errors[3].kind)
      assert.equal(0, errors[3].attempts)
    end)

    it("search for the webhook also without retries", function()
      local url, asked = steps(close, listing { 0 })
      assert.equal("webhook_1", assert(client_of(url, { retries = 0 }).webhooks:create(WANTED)).webhookId)
      assert.equal(2, #asked)
      url, asked = steps(close, listing {})
      local webhook, err = client_of(url, { retries = 0 }).webhooks:create(WANTED)
      assert.is_nil(webhook)
      assert.equal("network", err.kind)
      assert.equal(1, err.attempts)
      assert.equal(2, #asked)
    end)

    it("report when the outcome stays unknown", function()
      local url, asked = steps(close, "503 X")
      local webhook, err = client_of(url, { retries = 0 }).webhooks:create(WANTED)
      assert.is_nil(webhook)
      assert.equal("network", err.kind)
      assert.is_true(err.in_doubt)
      assert.equal(2, #asked)
    end)

    it("do not take one webhook for two", function()
      local url, asked = steps(close, listing { 0 }, close, listing { 0 },
        { "201 X", nil, '{"webhookId":"webhook_9"}' })
      local client, ids = client_of(url), {}
      apivideo.parallel(2, { 1, 2 }, function(_, i)
        ids[i] = assert(client.webhooks:create(WANTED)).webhookId
      end)
      table.sort(ids)
      assert.same({ "webhook_1", "webhook_9" }, ids)
      assert.equal(5, #asked)
    end)

    it("do not take another webhook for it", function()
      local url = steps(close, { "200 OK", nil, ('{"data":[{"webhookId":"webhook_1","url":"https://example.com/x",'
        .. '"events":["video.source.recorded"],"createdAt":"%s"},{"webhookId":"webhook_2","url":"https://example.com/",'
        .. '"events":["video.source.recorded","video.summary.generated"],"createdAt":"%s"}]}')
        :gsub("%%s", os.date("!%Y-%m-%dT%H:%M:%S+00:00")) }, { "201 X", nil, '{"webhookId":"webhook_9"}' })
      assert.equal("webhook_9", assert(client_of(url).webhooks:create(WANTED)).webhookId)
    end)
  end)
end)
