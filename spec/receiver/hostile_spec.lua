--- Requests of a hostile sender. Servers pass headers and methods to the receiver as they arrived.

local apivideo = require "apivideo"
local dictionary = require "apivideo.runtime.dictionary"
local errors = require "apivideo.error"
local secrets_of = require "apivideo.resources.webhooks.secrets"
local stderr = require "spec.support.stderr"
local tables = require "apivideo.util.tables"

local SECRET, ID = "sig_sec_0000000000000000000000", "webhook_0000000000000000000000"
local RAW = '{"type":"video.encoding.quality.completed","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi0000000000000000000000","encoding":"hls","quality":"720p"}'
local HEX = apivideo.sign(RAW, SECRET)

describe("receiver", function()
  local handled, outcome

  before_each(function() handled, outcome = 0, nil end)

  local function new(more)
    local options = tables.merge({
      handlers = apivideo.handlers():otherwise(function() handled = handled + 1 end),
      secrets = SECRET, on_outcome = function(o) outcome = o end,
    }, more)
    return apivideo.receiver(options)
  end

  local function receive(headers, more, receiver)
    local request = { method = "POST", body = RAW, headers = headers }
    for name, value in pairs(more or {}) do request[name] = value end
    return ((receiver or new()):receive(request))
  end

  it("rejects a signature that is not text, or repeated", function()
    for _, value in ipairs { {}, { {} }, { HEX, "" }, { HEX, HEX, HEX }, true, 5, print } do
      assert.equal(401, receive { ["x-api-video-signature"] = value })
      assert.equal("bad_signature", outcome.err.kind)
    end
    assert.equal(0, handled)
    assert.equal(204, receive { ["x-api-video-signature"] = { HEX } })
  end)

  it("rejects two signature headers whose names differ in case", function()
    for _, other in ipairs { "X-Api-Video-Signature", "X-API-VIDEO-SIGNATURE", "x-Api-video-signature" } do
      assert.equal(401, receive { ["x-api-video-signature"] = HEX, [other] = "" })
      assert.equal(401, receive { ["x-api-video-signature"] = "", [other] = HEX })
    end
    assert.equal(0, handled)
  end)

  it("ignores headers with similar names", function()
    for _, name in ipairs { "x-api-video-signature ", " x-api-video-signature", "x_api_video_signature",
      "x-api-video-signature2", "x-api-video-signature\0", ("x-api-video-signature"):rep(1000) } do
      assert.equal(401, receive { [name] = HEX })
    end
    assert.equal(0, handled)
  end)

  it("ignores all other headers", function()
    local headers = { ["x-api-video-signature"] = HEX, [1] = "x", [true] = "y", [""] = "z" }
    for i = 1, 1000 do headers["x-" .. i] = { ("v"):rep(100), "w" } end
    headers[("n"):rep(100000)] = ("v"):rep(100000)
    assert.equal(204, receive(headers, { path = "/../../etc/passwd\0", target = ("/"):rep(100000) }))
    assert.equal(1, handled)
  end)

  it("does not let the sender choose a secret with several webhook ids, or with none", function()
    local by_id = new { secrets = { [ID] = SECRET, webhook_other = "sig_sec_other" } }
    for _, id in ipairs { { ID, "webhook_other" }, { ID, ID }, {}, true, "", " " .. ID, ID .. "\0", ID:upper() } do
      assert.equal(401, receive({ ["x-api-video-signature"] = HEX, ["x-api-video-webhookid"] = id }, nil, by_id))
    end
    assert.equal(401, receive({ ["x-api-video-signature"] = HEX, ["x-api-video-webhookid"] = "webhook_other" },
      nil, by_id))
    assert.equal(0, handled)
    assert.equal(204, receive({ ["x-api-video-signature"] = HEX, ["x-api-video-webhookid"] = ID }, nil, by_id))
  end)

  -- Values of headers that servers pass: text of any bytes, lists, `true` for a header without a value (OpenResty), and
  -- numbers. Names of internal counters of the secrets are among them.
  local function hostile_values()
    local values = { "", "\0", "webhook_\0", "webhook_a\0b", "lookups", "questions", "again:webhook_x",
      "asking:webhook_x", "count:lookups", "id:webhook_x", "secret:webhook_x", "webhook_", "__index", "__gc", "1",
      ("w"):rep(100000), "webhook_" .. ("w"):rep(100000), "webhook_\255\254", "webhook_\r\nX: y", "%s%d%n", "\27[2J",
      true, false, 0, 1, -1, 1e300, 0 / 0, math.huge, {}, { "webhook_x" }, { "lookups", "questions" }, { {} }, { true },
      { 5 }, { [2] = "webhook_x" }, { x = "y" }, print }
    return values
  end

  local function not_found() return nil, errors.new("not_found", "no") end

  it("responds 401 or 503 to header values of every type, and never raises", function()
    local shared = dictionary.new()
    for _, secrets in ipairs { SECRET, { "sig_sec_old", SECRET }, { [ID] = SECRET }, function() return SECRET end,
      function() return nil end, secrets_of.new(not_found), secrets_of.new(not_found, { store = shared }) } do
      local receiver = new { secrets = secrets }
      for _, signature in ipairs { HEX:reverse(), "zz" } do
        receive({ ["x-api-video-signature"] = signature, ["x-api-video-webhookid"] = "webhook_x" }, nil, receiver)
        for _, value in ipairs(hostile_values()) do
          local status = receive({ ["x-api-video-signature"] = signature, ["x-api-video-webhookid"] = value }, nil,
            receiver)
          assert.is_true(status == 401 or status == 503, tostring(value))
          assert.is_true(#tostring(outcome.err) < 600, tostring(value):sub(1, 40))
          assert.is_nil(tostring(outcome.err):find "%c")
        end
      end
      for _, value in ipairs(hostile_values()) do
        assert.equal(401, receive({ ["x-api-video-signature"] = value, ["x-api-video-webhookid"] = ID }, nil, receiver))
        assert.equal(401, receive({ ["x-api-video-signature"] = value, ["x-api-video-webhookid"] = value,
          ["content-length"] = value, ["content-type"] = value }, nil, receiver))
      end
    end
    assert.equal(0, handled)
  end)

  it("passes a malformed webhook id neither to the function of secrets nor to handlers", function()
    local asked, seen = {}, {}
    local handlers = apivideo.handlers():otherwise(function(_, delivery) seen[#seen + 1] = delivery end)
    local receiver = new { handlers = handlers, secrets = function(id)
      asked[#asked + 1] = tostring(id)
      return SECRET
    end }
    for _, id in ipairs { "lookups", "webhook_\0", "webhook_" .. ("w"):rep(100), "webhook_../x" } do
      assert.equal(204, receive({ ["x-api-video-signature"] = HEX, ["x-api-video-webhookid"] = id }, nil, receiver))
      assert.is_nil(seen[#seen].webhook_id)
    end
    assert.same({ "nil", "nil", "nil", "nil" }, asked)
    assert.equal(204, receive({ ["x-api-video-signature"] = HEX, ["x-api-video-webhookid"] = ID }, nil, receiver))
    assert.equal(ID, seen[5].webhook_id)
    assert.equal(ID, asked[5])
  end)

  it("logs that a webhook's id is malformed", function()
    local by_id = new { secrets = { [ID] = SECRET } }
    receive({ ["x-api-video-signature"] = HEX, ["x-api-video-webhookid"] = "lookups" }, nil, by_id)
    assert.truthy(outcome.err.message:find("the x-api-video-webhookid header is not a webhook's id", 1, true))
    assert.truthy(outcome.err.message:find("(lookups)", 1, true))
  end)

  it("logs a bounded number of bytes of the sender", function()
    receive({}, { method = ("M"):rep(10000) })
    assert.truthy(outcome.err.message:find("method is MMM", 1, true))
    assert.is_true(#outcome.err.message < 200)
    receive { ["x-api-video-signature"] = "no", ["x-api-video-webhookid"] = ("w"):rep(10000) }
    assert.truthy(outcome.err.message:find("signature malformed (the x-api-video-webhookid header is not a webhook's id"
      .. " (www", 1, true))
    assert.is_true(#outcome.err.message < 200)
  end)

  it("logs a bounded number of bytes of an event's type", function()
    local body = ('{"type":"%s","emittedAt":"2001-01-01T00:00:00Z"}'):format(("t"):rep(10000))
    local headers, receiver = { ["x-api-video-signature"] = apivideo.sign(body, SECRET) }, nil
    local function options(more)
      more.secrets, more.handlers = SECRET, apivideo.handlers()
      return more
    end
    local function line(status)
      local written = stderr.of(function() assert.equal(status, receive(headers, { body = body }, receiver)) end)
      assert.equal(1, #written)
      assert.truthy(written[1]:find("ttt", 1, true))
      assert.is_true(#written[1] < 1800, written[1]) -- a signed body is cut at 1000, type and key at 200
    end
    receiver = apivideo.receiver(options {})
    line(204)
    receiver = apivideo.receiver(options { freshness = { max_age = 300, action = "reject" } })
    line(401)
    local store = dictionary.new()
    receiver = apivideo.receiver(options { dedupe = { store = store } })
    store.add = function() return false, "exists" end
    store.get = function() return "claimed" end
    line(503)
    local failing = options {}
    failing.handlers:on("*", function() error("it broke", 0) end)
    receiver = apivideo.receiver(failing)
    line(500)
  end)

  it("does not parse a body that is too large, or that has an invalid signature", function()
    local parsed = 0
    local events = apivideo.events:extend {}
    local parse = events.parse
    events.parse = function(...)
      parsed = parsed + 1
      return parse(...)
    end
    local handlers = apivideo.handlers({ events = events }):otherwise(function() end)
    local receiver = new { max_body = #RAW, handlers = handlers }
    assert.equal(413, receive({ ["x-api-video-signature"] = HEX }, { body = RAW .. " " }, receiver))
    assert.equal(401, receive({ ["x-api-video-signature"] = HEX:reverse() }, nil, receiver))
    assert.equal(0, parsed)
    assert.equal(204, receive({ ["x-api-video-signature"] = HEX }, nil, receiver))
    assert.equal(1, parsed)
  end)
end)
