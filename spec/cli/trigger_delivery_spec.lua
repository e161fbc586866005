-- How `apivideo trigger` sends: over TLS, through a local api.video, and what it prints of hostile texts.

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "apivideo.server"
local tls_front = require "spec.support.tls_front"

local NO_BASE_URL = "--through must be the base URL of a local api.video, as apivideo emulate or apivideo listen"
  .. " --emulate prints it: without a path, such as http://127.0.0.1:8100; to send to a receiver, use --to\n"
local WAYS = "--secret, --secret-file or APIVIDEO_WEBHOOK_SECRET"
local QUALITY = "video.encoding.quality.completed"

local function run(...)
  return process.run({ "bin/apivideo", "trigger", ... }, "APIVIDEO_WEBHOOK_SECRET= APIVIDEO_API_KEY=")
end

describe("command trigger #process", function()
  describe("over TLS", function()
    local authority, p, url

    before_each(function()
      authority = certificates.new()
      authority:issue("good", "IP:127.0.0.1")
      p = peer.responding "204 No Content"
      url = "https://127.0.0.1:" .. tls_front(authority, nil, p.port)
    end)

    after_each(function()
      p.stop()
      authority:remove()
    end)

    it("rejects an unknown certificate, and accepts it with --ca-file or --insecure", function()
      local output, status = run(QUALITY, "--to", url, "--json")
      assert.equal(1, status)
      assert.equal("tls", cjson.decode(output).kind)
      assert.is_false(cjson.decode(output).sent)
      for _, arguments in ipairs { { "--insecure" }, { "--ca-file", authority:path "ca.crt" } } do
        output, status = run(QUALITY, "--to", url, (table.unpack or unpack)(arguments))
        assert.equal(0, status, output)
      end
      assert.equal(2, #p.requests)
    end)
  end)

  it("lets a local api.video send the events of a scenario", function()
    local local_api = assert(emulator.start { api_key = "k" })
    local client = apivideo.client { api_key = "k", base_url = local_api.url }
    local p = peer.responding "204 No Content"
    assert(client.webhooks:create { url = p.url, events = { QUALITY } })
    local output, status = run("upload", "--quality", "360p", "--pause", "0", "--through", local_api.url,
      "--api-key", "k")
    assert.equal(0, status, output)
    assert.is_true(local_api:settle(30))
    local found = {}
    for i, request in ipairs(p.requests) do
      local event = cjson.decode(request.body)
      found[i] = event.encoding .. event.quality
    end
    table.sort(found) -- deliveries overtake each other
    assert.same({ "hls240p", "hls360p", "mp4360p" }, found)
    assert.matches("^The local api.video sends the event to 1 webhook%.  " .. QUALITY:gsub("%p", "%%%0"), output)
    output, status = run("--data", '{"type":"video.new","a":1}', "--through", local_api.url, "--api-key", "k", "--json")
    assert.equal(0, status, output)
    assert.same({ deliveries = 0, event = { type = "video.new", a = 1 } }, cjson.decode(output))
    for _, case in ipairs {
      { "responded with status 400: ", "--data", "not an event", "--through", local_api.url, "--api-key", "k" },
      { "responded with status 401: the API key must be the --api-key of that apivideo emulate\n", "live", "--through",
        local_api.url },
      { "responded with status 204: " .. NO_BASE_URL, "live", "--through", p.url },
      { "responded with status 404: " .. NO_BASE_URL, "live", "--through", local_api.url .. "/webhooks",
        "--api-key", "k" },
    } do
      output, status = run((table.unpack or unpack)(case, 2))
      assert.equal(1, status)
      assert.truthy(output:find(case[1], 1, true), output)
      assert.is_nil(output:find("See:", 1, true))
    end
    p.stop()
    local_api:stop()
  end)

  it("says what --through must be if it is the address of a receiver, which rejects what is not signed", function()
    local receiver = assert(server.listen {
      receiver = apivideo.receiver { handlers = apivideo.handlers(), secrets = "sig_sec_test" },
    })
    finally(function() receiver:stop(0) end)
    local child = process.start { "bin/apivideo", "trigger", "live", "--through", receiver.url }
    local output, status = child:finish(60)
    assert.equal(1, status)
    assert.truthy(output:find("responded with status 401: " .. NO_BASE_URL, 1, true), output)
  end)

  it("says once why a receiver may have rejected the signature", function()
    local p = peer.responding "401 Unauthorized"
    for _, case in ipairs {
      { "apivideo: warning: the deliveries were not signed; sign them with the secret that the receiver verifies with: "
        .. WAYS .. "\n", "live" },
      { "apivideo: warning: the receiver verifies with another secret than the one that signed, or has no webhook"
        .. " webhook_9 (--webhook-id); its log has the reason. Sign with the receiver's secret, the signatureSecret of"
        .. " its webhook: "
        .. WAYS .. ". Only the local api.video of apivideo listen --emulate knows its secret: use --through and its"
        .. " URL\n",
        "live", "--secret", "s", "--webhook-id", "webhook_9" },
    } do
      local output, status = run("--to", p.url, "--pause", "0", (table.unpack or unpack)(case, 2))
      assert.equal(1, status, output)
      local _, count = output:gsub(case[1]:gsub("%p", "%%%0"), "")
      assert.equal(1, count, output)
    end
    p.stop()
  end)

  it("prints valid JSON and no control characters, whatever the event contains", function()
    local output = run(QUALITY, "--set", "videoId=\255", "--set", "a=\27[2J\n", "--to", "http://127.0.0.1:1")
    assert.is_nil(output:gsub("\n$", ""):gsub("\napivideo: warning: [^\n]*", ""):find "[%z\1-\9\11-\31]")
    output = run(QUALITY, "--set", "videoId=\255", "--to", "http://127.0.0.1:1", "--json")
    assert.equal("\239\191\189", cjson.decode(output:match "{.*}").event.videoId)
  end)

  it("fails if its output cannot be written", function()
    local command = process.command { "bin/apivideo", "trigger", "live", "--to", "http://127.0.0.1:1" }
    local output, status = process.run { "-e", ("local ok, _, status = os.execute(%q); os.exit(status or ok / 256)")
      :format(command .. " > /dev/full") }
    assert.equal(1, status, output)
    assert.truthy(output:find("apivideo: cannot write the output: No space left on device", 1, true), output)
  end)
end)
