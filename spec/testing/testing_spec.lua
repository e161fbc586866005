local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local file = require "spec.support.file"
local http = require "apivideo.transport.http"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"
local running = require "spec.support.running"
local server = require "apivideo.server"
local stderr = require "spec.support.stderr"
local testing = require "apivideo.testing"

local RECORDED, QUALITY, SECRET = "video.source.recorded", "video.encoding.quality.completed", "sig_sec_of_a_test"

describe("testing.delivery", function()
  after_each(running.stop)

  -- A receiver, and the events that its handlers got.
  local function new_receiver()
    local seen = {}
    local handlers = apivideo.handlers():otherwise(function(event) seen[#seen + 1] = event end)
    return apivideo.receiver { handlers = handlers, secrets = SECRET }, seen
  end

  it("is accepted by a receiver, for each type of the catalogue", function()
    local receiver, seen = new_receiver()
    local names = apivideo.events:names()
    for _, name in ipairs(names) do
      assert.equal(204, (receiver:receive(testing.delivery(name, nil, SECRET))))
    end
    assert.equal(#names, #seen)
    for i, name in ipairs(names) do
      local sample = apivideo.events:sample(name)
      sample.emittedAt = seen[i].emittedAt
      assert.same(sample, seen[i])
    end
  end)

  it("merges fields into the sample, and is emitted now", function()
    local receiver, seen = new_receiver()
    local before = os.time()
    stderr.of(function() -- the warning about x
      local fields = { quality = "1080p", liveStreamId = apivideo.null, x = { 1 } }
      receiver:receive(testing.delivery(QUALITY, fields, SECRET))
    end)
    receiver:receive(testing.delivery(QUALITY, { emittedAt = "2021-01-29T15:46:25.217Z" }, SECRET))
    assert.equal("1080p", seen[1].quality)
    assert.equal("hls", seen[1].encoding)
    assert.is_nil(seen[1].liveStreamId)
    assert.same({ 1 }, seen[1].x)
    local emitted = apivideo.timestamp(seen[1].emittedAt)
    assert.is_true(emitted >= before and emitted <= os.time())
    assert.equal("2021-01-29T15:46:25.217Z", seen[2].emittedAt)
  end)

  it("does not change the fields, nor share tables with the catalogue", function()
    local fields = { quality = "1080p" }
    testing.delivery(QUALITY, fields, SECRET).headers.x = "y"
    assert.same({ quality = "1080p" }, fields)
    assert.is_nil(testing.delivery(QUALITY, fields, SECRET).headers.x)
  end)

  it("has api.video's method and headers", function()
    local delivery = testing.delivery(RECORDED, nil, SECRET)
    assert.equal("POST", delivery.method)
    assert.same({
      ["Content-Type"] = "application/json",
      ["X-Api-Video-WebhookID"] = "webhook_0000000000000000000000",
      ["X-Api-Video-Signature"] = apivideo.sign(delivery.body, SECRET),
    }, delivery.headers)
  end)

  it("is not signed without a secret", function()
    local delivery = testing.delivery(RECORDED)
    assert.is_nil(delivery.headers["X-Api-Video-Signature"])
    assert.equal(401, (new_receiver():receive(delivery)))
  end)

  it("can be sent by an HTTP client", function()
    local receiver, seen = new_receiver()
    local listening = assert(server.listen { receiver = receiver })
    running.add(function() listening:stop() end)
    local delivery = testing.delivery(RECORDED, { videoId = "vi1" }, SECRET)
    local lines = {}
    for name, value in pairs(delivery.headers) do lines[#lines + 1] = name .. ": " .. value end
    local response = assert(http.request { url = listening.url, method = delivery.method, headers = lines,
      body = delivery.body })
    assert.equal(204, response.status)
    assert.equal("vi1", seen[1].videoId)
  end)

  it("sends the bytes that the emulator sends", function()
    local listening, request
    listening = assert(server.listen { handler = function(received) request = received return 204 end })
    running.add(function() listening:stop() end)
    local api = running.emulator()
    local client = apivideo.client { api_key = "key", base_url = api.url }
    local webhook = assert(client.webhooks:create { url = listening.url, events = { QUALITY } })
    local event = apivideo.events:sample(QUALITY)
    api:emit(event)
    assert(api:settle(60))
    local delivery = testing.delivery(QUALITY, { emittedAt = event.emittedAt }, webhook.signatureSecret)
    delivery.headers["X-Api-Video-WebhookID"] = webhook.webhookId -- it is not signed
    assert.equal(request.body, delivery.body)
    for name, value in pairs(delivery.headers) do assert.equal(value, request.headers[name]) end
  end)

  -- The message of a call with wrong arguments.
  local function rejected(...)
    local type_name, fields, secret = ...
    return misuse(function()
      local delivery = testing.delivery(type_name, fields, secret)
      return delivery
    end)
  end

  it("rejects an unknown type with the nearest name, unless the whole event is given", function()
    for _, fields in ipairs { {}, { quality = "720p" } } do
      local message = rejected("video.encoding.quality.complete", fields, SECRET)
      assert.matches('did you mean "video.encoding.quality.completed"?', message, 1, true)
      assert.matches('{ type = "video.encoding.quality.complete", … }', message, 1, true)
    end
    local receiver, seen = new_receiver()
    assert.equal(204, (receiver:receive(testing.delivery("video.new", { type = "video.new", id = "1" }, SECRET))))
    assert.equal("1", seen[1].id)
  end)

  it("warns about a field that its type does not have, and sends it", function()
    local delivery
    local function warning(...)
      local arguments = { ... }
      return table.concat(stderr.of(function()
        delivery = testing.delivery(arguments[1], arguments[2], SECRET)
      end))
    end
    assert.matches('testing.delivery: ' .. RECORDED .. ' has no field "videoid"; it is sent anyway; did you mean'
      .. ' "videoId"?', warning(RECORDED, { videoid = "vi1" }), 1, true)
    assert.matches('"videoid":"vi1"', delivery.body, 1, true)
    assert.matches("known: emittedAt, liveStreamId, type, videoId.", warning(RECORDED, { somethingElse = 1 }), 1, true)
    assert.equal("", warning(RECORDED, { videoId = "vi1", liveStreamId = "li1", emittedAt = "2021" }))
    assert.equal("", warning("video.new", { type = "video.new", id = "1" }))
  end)

  it("rejects wrong arguments, and says what is wrong", function()
    assert.matches("testing.delivery: type must be a string, got table", rejected({}), 1, true)
    assert.matches("testing.delivery: fields must be a table, got string",
      rejected(RECORDED, SECRET), 1, true)
    assert.matches("testing.delivery: secret must be a string, got table",
      rejected(RECORDED, nil, { SECRET }), 1, true)
    assert.matches("testing.delivery: field \"type\" is \"video.caption.generated\", but the type is \"" .. RECORDED,
      rejected(RECORDED, { type = "video.caption.generated" }, SECRET), 1, true)
    assert.matches("testing.delivery: the event cannot be written as JSON",
      rejected(RECORDED, { videoId = print }, SECRET), 1, true)
  end)

  it("needs neither the server nor the emulator", function()
    local script = [[
      require "apivideo.testing"
      for name in pairs(package.loaded) do
        if name:find "^apivideo%.server" or name:find "^apivideo%.emulator" then print(name) end
      end
    ]]
    assert.equal("", (process.run { "-e", script }))
  end)

  for _, block in ipairs(docs.blocks("docs/guides/testing.md", "lua")) do
    if block.code:find "describe%(" then
      it(("makes the guide's spec pass in busted, %s #process"):format(block.name), function()
        local temporary = os.tmpname()
        local path = temporary .. "_spec.lua"
        file.write(path, block.code)
        local pipe = io.popen "command -v busted"
        local output, status = process.run { pipe:read "*l", "--output=plainTerminal", path }
        pipe:close()
        os.remove(path)
        os.remove(temporary)
        assert.equal(0, status, output)
        assert.matches("2 successes / 0 failures / 0 errors", output, 1, true)
      end)
    end
  end
end)
