-- How long a secret is accepted after its webhook was deleted, and how many requests to api.video a sender can cause:
-- through a receiver, with a simulated clock.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local errors = require "apivideo.error"
local misuse = require "spec.support.misuse"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local secrets_of = require "apivideo.resources.webhooks.secrets"

local TTL, HOUR = 300, 3600
local RECORDED = "video.source.recorded"
local ID, SECRET = "webhook_A", "sig_sec_A"
local BODY = '{"type":"video.source.recorded","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi1","liveStreamId":"li1"}'
local WRONG = ("0"):rep(64)

local clock, ahead = runtime.monotonic, 0

local function signed(secret) return apivideo.sign(BODY, secret) end

-- A receiver with some secrets, as a function of an id and a signature, which returns the response's status.
local function receiver_of(secrets)
  local receiver = apivideo.receiver {
    handlers = apivideo.handlers():otherwise(function() end), secrets = secrets,
  }
  return function(id, hex)
    local status, headers, body = receiver:receive { method = "POST", body = BODY,
      headers = { ["X-Api-Video-WebhookID"] = id, ["X-Api-Video-Signature"] = hex } }
    assert.same({}, headers)
    assert.equal("", body)
    runtime.sleep(0) -- what is asked for beside it
    return status
  end
end

local function found(id) return { webhookId = id, signatureSecret = SECRET } end
local function missing() return nil, errors.new("not_found", "no", { status = 404 }) end
local function away() return nil, errors.new("network", "away") end

describe("a secret of a deleted webhook", function()
  before_each(function()
    ahead = 0
    local now = clock() -- it stands still: a busy machine must not move it
    runtime.monotonic = function() return now + ahead end
  end)

  after_each(function()
    running.stop()
    runtime.monotonic = clock
  end)

  local function resolver(fetch, options)
    return receiver_of(secrets_of.new(function(id) return fetch(id) end, options))
  end

  it("is accepted until it is requested again after its ttl", function()
    local fetch = found
    local deliver = resolver(function(id) return fetch(id) end)
    assert.equal(204, deliver(ID, signed(SECRET)))
    fetch = missing
    ahead = TTL - 1
    assert.equal(204, deliver(ID, signed(SECRET)))
    ahead = TTL + 1
    assert.equal(204, deliver(ID, signed(SECRET))) -- which has it asked for
    assert.equal(401, deliver(ID, signed(SECRET)))
    for _, later in ipairs { 10, 60, HOUR, 24 * HOUR } do
      ahead = TTL + later
      assert.equal(401, deliver(ID, signed(SECRET)))
    end
  end)

  it("is not accepted for longer than an hour after its ttl", function()
    for _, fails in ipairs { away, function() return nil, errors.new("server_error", "no", { status = 500 }) end,
      function() error("oops") end, function() return true end } do
      local fetch = found
      ahead = 0
      local deliver = resolver(function(id) return fetch(id) end)
      assert.equal(204, deliver(ID, signed(SECRET)))
      fetch = fails
      for _, later in ipairs { TTL - 1, TTL + 1, TTL + 60, TTL + HOUR - 1 } do
        ahead = later
        assert.equal(204, deliver(ID, signed(SECRET)))
      end
      for _, later in ipairs { TTL + HOUR + 1, TTL + 2 * HOUR, TTL + 48 * HOUR } do
        ahead = later
        assert.equal(503, deliver(ID, signed(SECRET)))
      end
    end
  end)

  it("is not accepted for longer when no delivery arrived until then", function()
    local fetch = found
    local deliver = resolver(function(id) return fetch(id) end)
    assert.equal(204, deliver(ID, signed(SECRET)))
    fetch, ahead = missing, TTL + HOUR + 1
    assert.equal(401, deliver(ID, signed(SECRET)))
  end)

  it("has a ttl of a day at most", function()
    local webhooks = client_of("http://127.0.0.1:1").webhooks
    for _, ttl in ipairs { -1, 86401, math.huge, 0 / 0 } do
      for _, name in ipairs { "ttl", "miss_ttl" } do
        local message = misuse(function() return (webhooks:secret_source { [name] = ttl }) end)
        assert.truthy(message:find('"' .. name .. '" must be a number of seconds from 0 to 86400', 1, true), message)
      end
    end
    assert.truthy(webhooks:secret_source { ttl = 86400, miss_ttl = 86400 })
  end)

  it("is rejected after a rotation; the new one is accepted from the first delivery on", function()
    local client = client_of(running.emulator().url)
    local old = assert(client.webhooks:create { url = "https://example.com/", events = { RECORDED } })
    local deliver = receiver_of(client.webhooks:secret_source())
    assert.equal(204, deliver(old.webhookId, signed(old.signatureSecret)))
    local new = assert(client.webhooks:rotate(old.webhookId, { overlap = 0 }))
    assert.equal(204, deliver(new.webhookId, signed(new.signatureSecret)))
    assert.equal(204, deliver(old.webhookId, signed(old.signatureSecret)))
    assert.equal(401, deliver(new.webhookId, signed(old.signatureSecret))) -- a secret is of one webhook
    assert.equal(401, deliver(old.webhookId, signed(new.signatureSecret)))
    ahead = TTL + HOUR + 1
    assert.equal(204, deliver(new.webhookId, signed(new.signatureSecret)))
    assert.equal(401, deliver(old.webhookId, signed(old.signatureSecret)))
  end)

  it("is rejected at once when the application has the secrets", function()
    local current = { "sig_sec_new", "sig_sec_old" }
    local deliver = receiver_of(function() return current end)
    assert.equal(204, deliver(ID, signed "sig_sec_new"))
    assert.equal(204, deliver(ID, signed "sig_sec_old"))
    current = "sig_sec_new"
    assert.equal(204, deliver(ID, signed "sig_sec_new"))
    assert.equal(401, deliver(ID, signed "sig_sec_old"))
  end)
end)

describe("a function of the application's", function()
  it("that fails causes a 503, so that the sender retries", function()
    local fails = true
    local deliver = receiver_of(function()
      runtime.sleep(0)
      if fails then error("oops") end
      return SECRET
    end)
    assert.equal(503, deliver(ID, signed(SECRET)))
    fails = false
    assert.equal(204, deliver(ID, signed(SECRET)))
  end)
end)

describe("a hostile sender", function()
  local asked, fetch, deliver

  before_each(function()
    asked, ahead = 0, 0
    local now = clock() -- it stands still: a busy machine must not move it
    runtime.monotonic = function() return now + ahead end
    deliver = receiver_of(secrets_of.new(function(id)
      asked = asked + 1
      return fetch(id)
    end))
  end)

  after_each(function() runtime.monotonic = clock end)

  local function send_forged(count, from)
    local statuses = {}
    for i = from or 1, (from or 1) + count - 1 do
      local status = deliver("webhook_forged" .. i, WRONG)
      statuses[status] = (statuses[status] or 0) + 1
    end
    return statuses
  end

  it("causes about 20 requests for unknown ids a minute", function()
    fetch = missing
    assert.same({ [401] = 20, [503] = 280 }, send_forged(300))
    assert.equal(20, asked)
    ahead = 61
    assert.same({ [401] = 20, [503] = 280 }, send_forged(300, 301))
    assert.equal(40, asked)
  end)

  it("causes 200 requests a minute when api.video does not respond", function()
    fetch = away
    assert.same({ [503] = 300 }, send_forged(300))
    assert.equal(200, asked)
    ahead = 61
    assert.same({ [503] = 300 }, send_forged(300, 301))
    assert.equal(400, asked)
  end)

  it("causes requests for all ids of existing webhooks, which do not count", function()
    fetch = function(id) return { webhookId = id, signatureSecret = "s" } end
    assert.same({ [401] = 300 }, send_forged(300))
    assert.equal(300, asked)
  end)

  it("causes 20 requests at the same time when api.video is slow", function()
    local reply = runtime.latch()
    fetch = function()
      reply:wait()
      return away()
    end
    runtime.run(function()
      local left, done = 100, runtime.latch()
      for i = 1, 100 do
        runtime.spawn(function()
          assert.equal(503, deliver("webhook_forged" .. i, WRONG))
          left = left - 1
          if left == 0 then done:open(true) end
        end)
      end
      for _ = 1, 5 do runtime.sleep(0) end
      assert.equal(20, asked)
      assert.equal(20, left)
      reply:open(true)
      assert.is_true(done:wait(60))
    end)
  end)

  it("causes no requests without a valid signature header and id", function()
    fetch = found
    for _, hex in ipairs { "", "0", WRONG .. "0", ("g"):rep(64) } do assert.equal(401, deliver(ID, hex)) end
    for _, id in ipairs { "", "webhook_/../videos", "webhook_" .. ("a"):rep(100), "A" } do
      assert.equal(401, deliver(id, WRONG))
    end
    assert.equal(401, deliver(nil, WRONG))
    assert.equal(0, asked)
  end)

  it("causes no requests with wrong signatures, and does not block valid deliveries", function()
    fetch = found
    assert.equal(204, deliver(ID, signed(SECRET)))
    for _ = 1, 100 do assert.equal(401, deliver(ID, WRONG)) end
    assert.equal(1, asked)
    fetch = missing
    send_forged(100)
    assert.equal(204, deliver(ID, signed(SECRET)))
    assert.equal(21, asked)
  end)

  it("causes a request for a known id every ten seconds at most, after its ttl", function()
    fetch = found
    assert.equal(204, deliver(ID, signed(SECRET)))
    fetch, asked = away, 0
    for seconds = 1, 60 do
      ahead = TTL + seconds
      for _ = 1, 5 do assert.equal(401, deliver(ID, WRONG)) end
    end
    assert.equal(6, asked)
  end)

  it("cannot find out whether a webhook is known", function()
    fetch = function(id)
      if id == ID then return found(id) end
      return missing()
    end
    assert.equal(401, deliver(ID, WRONG))
    assert.equal(401, deliver("webhook_B", WRONG))
    assert.equal(401, deliver(ID, "x"))
    assert.equal(401, deliver("webhook_B", "x"))
    assert.equal(401, deliver(nil, WRONG))
  end)
end)
