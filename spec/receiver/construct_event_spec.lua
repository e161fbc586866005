-- Verifying and parsing a delivery for an application that sends the response itself: apivideo.construct_event, and
-- receiver:verify.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local headers_of_nginx = require("apivideo.util.headers").any_case
local misuse = require "spec.support.misuse"
local published = require "spec.support.published"
local runtime = require "apivideo.runtime"

local SECRET, ID, RAW, HEX = published.SECRET, published.ID, published.RAW, published.HEX
local request = published.request

local function signed(body)
  return { ["X-Api-Video-WebhookID"] = ID, ["X-Api-Video-Signature"] = apivideo.sign(body, SECRET) }
end

-- The secrets in all forms of the receiver's option.
local function forms()
  local client = apivideo.client { api_key = "k" }
  local object = client.webhooks:secret_source()
  object.known = function(_, id) return id == ID and SECRET or nil end
  return {
    SECRET, { "sig_sec_old", SECRET }, { [ID] = SECRET }, { [ID] = { "sig_sec_old", SECRET } },
    function(id) return id == ID and SECRET or nil end, object,
  }
end

-- The functions that verify a delivery: raw, headers, secrets -> event, delivery | nil, err, status.
local functions = {
  ["apivideo.construct_event"] = apivideo.construct_event,
  ["receiver:verify"] = function(raw, headers, secrets)
    local handlers = apivideo.handlers():on("*", function() error "no handler runs" end)
    local receiver = apivideo.receiver { handlers = handlers, secrets = secrets,
      on_outcome = function() error "nothing is logged" end }
    return receiver:verify { method = "POST", headers = headers, body = raw }
  end,
}

for name, verify in pairs(functions) do
  describe(name, function()
    it("returns the event and the delivery of a valid signature", function()
      local event, delivery = verify(RAW, request().headers, SECRET)
      assert.equal("vi0000000000000000000000", event.videoId)
      assert.equal(event, delivery.event)
      assert.equal(RAW, delivery.raw)
      assert.equal(ID, delivery.webhook_id)
      assert.equal(apivideo.events:key(event), delivery.key)
      assert.is_true(delivery.verified)
      assert.equal("webhook", delivery.origin)
      assert.is_number(delivery.received_at)
    end)

    it("takes the time of the arrival before it requests the secret", function()
      local requested
      local _, delivery = verify(RAW, request().headers, function()
        requested = runtime.now()
        while runtime.now() == requested do end -- luacheck: ignore
        return SECRET
      end)
      assert.truthy(delivery.received_at <= requested)
    end)

    it("finds headers in any case, of nginx, and as lists, also as lists that begin at 0", function()
      for _, headers in ipairs {
        { ["x-api-video-webhookid"] = ID, ["x-api-video-signature"] = HEX },
        { ["X-API-VIDEO-WEBHOOKID"] = ID, ["X-API-VIDEO-SIGNATURE"] = HEX },
        headers_of_nginx { ["x-api-video-webhookid"] = ID, ["x-api-video-signature"] = HEX },
        { ["x-api-video-webhookid"] = { ID }, ["x-api-video-signature"] = { HEX } },
        { ["x-api-video-webhookid"] = { [0] = ID }, ["x-api-video-signature"] = { [0] = HEX } },
      } do
        assert.truthy(verify(RAW, headers, { [ID] = SECRET }))
      end
    end)

    it("takes secrets in each form of the receiver's option", function()
      for _, secrets in ipairs(forms()) do assert.truthy(verify(RAW, request().headers, secrets)) end
    end)

    it("returns nil, a bad_signature and 401 for an invalid signature", function()
      for _, headers in ipairs {
        {}, { ["X-Api-Video-WebhookID"] = ID }, signed(RAW .. " "),
        { ["X-Api-Video-WebhookID"] = ID, ["X-Api-Video-Signature"] = "zz" },
        { ["X-Api-Video-WebhookID"] = ID, ["X-Api-Video-Signature"] = { HEX, HEX } },
        { ["X-Api-Video-WebhookID"] = ID, ["X-Api-Video-Signature"] = { [0] = HEX, HEX } },
      } do
        local event, err, status = verify(RAW, headers, SECRET)
        assert.is_nil(event)
        assert.equal("bad_signature", err.kind)
        assert.equal(401, status)
      end
    end)

    it("returns nil, the error and 503 if the secret is unavailable", function()
      local away = errors.new("network", "away")
      local event, err, status = verify(RAW, request().headers, function() return nil, away end)
      assert.is_nil(event)
      assert.equal(away, err)
      assert.equal(503, status)
      event, err, status = verify(RAW, request().headers, function() error("it broke", 0) end)
      assert.is_nil(event)
      assert.equal("secrets: store_unavailable: the secrets function failed: it broke", tostring(err))
      assert.is_true(err.retryable)
      assert.equal(503, status)
    end)

    it("returns nil, the error and 400 for signed bytes that are not an event", function()
      for body, kind in pairs { [""] = "bad_json", ["hello"] = "bad_json", ["{}"] = "bad_event" } do
        local event, err, status = verify(body, signed(body), SECRET)
        assert.is_nil(event)
        assert.equal(kind, err.kind)
        assert.equal(400, status)
      end
    end)
  end)
end

describe("apivideo.construct_event", function()
  it("raises for misuse, with a remedy", function()
    local headers = request().headers
    for expected, arguments in pairs {
      ['"raw" must be the bytes as they arrived (a string), got table; a decoded'] = { {}, headers, SECRET },
      ['"raw" must be the bytes as they arrived (a string), got nil; read the body'] = { nil, headers, SECRET },
      ['"headers" must be a table of the request\'s headers, name -> text, got string'] = { RAW, HEX, SECRET },
      ['"secrets" is missing, so that any sender could send events: pass a signatureSecret'] = { RAW, headers, nil },
      ['"secrets" must be a string or a table or a function, got number'] = { RAW, headers, 5 },
      ['"secrets" is empty'] = { RAW, headers, {} },
      ['"secrets" has nil as element 1: is an environment variable not set?'] = { RAW, headers, { nil, SECRET } },
      ['"secrets" must be client.webhooks:secret_source()'] = { RAW, headers, { [1.5] = SECRET } },
      ['"secrets" must have signatureSecret strings'] = { RAW, headers, "" },
      ['"secrets" must not end in whitespace'] = { RAW, headers, SECRET .. "\n" },
    } do
      local message = misuse(function()
        local event = apivideo.construct_event(arguments[1], arguments[2], arguments[3])
        return event
      end)
      assert.truthy(message:find("construct_event: argument " .. expected, 1, true), message)
    end
  end)

  it("raises for a fourth argument, which other libraries have for the age of the event", function()
    local message = misuse(function()
      local event = apivideo.construct_event(RAW, request().headers, SECRET, 300)
      return event
    end)
    assert.truthy(message:find("call receiver:verify with the option freshness", 1, true), message)
  end)
end)

describe("receiver:verify", function()
  local function new(more)
    return published.receiver(apivideo.handlers():otherwise(print), {}, more)
  end

  it("returns the status for another method, a large body and a body that was not read", function()
    local receiver = new { secrets = SECRET, max_body = #RAW }
    for status, incoming in pairs {
      [405] = request { method = "GET" }, [413] = request { body = RAW .. " " },
      [400] = { method = "POST", headers = { ["content-length"] = "5" } },
    } do
      local event, err, got = receiver:verify(incoming)
      assert.is_nil(event)
      assert.is_true(errors.is(err))
      assert.equal(status, got)
    end
  end)

  it("counts nothing", function()
    local receiver = new()
    assert.truthy(receiver:verify(request()))
    assert.is_nil((receiver:verify(request { method = "GET" })))
    assert.truthy(receiver:metrics():find("received_total 0\n", 1, true))
  end)

  it("returns an event without a signature from a receiver that is unsigned", function()
    local _, delivery = new { unsigned = true }:verify { method = "POST", headers = {}, body = RAW }
    assert.is_false(delivery.verified)
  end)

  it("raises for misuse, with a remedy", function()
    local receiver = new()
    assert.truthy(misuse(function() receiver:verify(request { body = {} }) end)
      :find("receiver:verify: body must be the bytes as they arrived (a string), got table", 1, true))
    assert.truthy(misuse(function() receiver:verify { method = "POST" } end):find("receiver:verify: a table", 1, true))
    assert.truthy(misuse(function() receiver.verify(request()) end)
      :find("receiver:verify: call it with a colon, receiver:verify(…)", 1, true))
  end)
end)
