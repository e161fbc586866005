local base64 = require "apivideo.util.base64"
local cjson = require "cjson"
local core = require "apivideo.core"
local file = require "spec.support.file"
local listening = require "spec.support.listening"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local running = require "spec.support.running"

local SECRET = listening.SECRET

describe("command listen #process", function()
  after_each(running.stop)

  it("prints the time of day, and the headers and the body with --verbose", function()
    local child = listening.start(nil, "--secret", SECRET, "-v")
    local body = listening.event { quality = "1080p" }
    assert.equal(204, listening.send(child.url, body .. "\r\n",
      { headers = { "X-Trace: abc", "Authorization: Basic dTpw" } }))
    child:wait_for "%f[%d]%d%d:%d%d:%d%d verified 204  video%.encoding%.quality%.completed [^\n]*quality=1080p"
    child:wait_for "\n +x%-trace: abc\n"
    child:wait_for "\n +authorization: %*%*%*\n"
    assert.truthy(child:output():find("         " .. body .. "?\n", 1, true)) -- "?" for the carriage return
    assert.equal(0, select(2, running.finish(child, "TERM")))
  end)

  it("prints the headers and the body in JSON, also when the body is not UTF-8", function()
    local child = listening.start_json("--secret", SECRET, "--verbose")
    local raw = listening.event { note = "a\255b" }
    assert.equal(204, listening.send(child.url, listening.event { tags = cjson.decode "[]" }))
    local status = listening.send(child.url, raw)
    child:wait_for "body_base64"
    local records = listening.records(child)
    assert.same({}, records[2].event.tags)
    assert.equal("application/json", records[2].headers["content-type"])
    assert.equal(cjson.decode(records[2].body).type, listening.QUALITY)
    assert.truthy(records[2].time:find "^%d%d%d%d%-%d%d%-%d%dT")
    assert.equal(status, records[3].status)
    assert.equal(raw, base64.decode(records[3].body_base64))
  end)

  it("prints and forwards only what --events and --where select, and counts the others", function()
    local app = running.responding "204 No Content"
    local child = listening.start(nil, "--secret", SECRET, "--forward-to", app.url .. "/hooks",
      "--events", "video.encoding.*", "--where", "quality=720P", "--where", "quality=1080p")
    for _, quality in ipairs { "240p", "720p", "1080p" } do
      assert.equal(204, listening.send(child.url, listening.event { quality = quality }))
    end
    assert.equal(204, listening.send(child.url, '{"type":"video.source.recorded","emittedAt":"2026-01-01T00:00:00Z",'
      .. '"videoId":"vi1","liveStreamId":"li1"}'))
    assert.equal(401, listening.send(child.url, listening.event(), { secret = "other" }))
    local output, status = running.finish(child, "INT")
    assert.equal(0, status)
    assert.equal(2, #app.requests)
    assert.equal("POST /hooks HTTP/1.1", app.requests[1].line)
    assert.is_nil(output:find("240p", 1, true))
    assert.is_nil(output:find("video.source.recorded", 1, true))
    assert.truthy(output:find("quality=720p", 1, true) and output:find("quality=1080p", 1, true))
    assert.truthy(output:find "rejected 401  bad_signature")
    assert.truthy(output:find("\n4 accepted, 1 rejected, 2 not selected\n", 1, true), output)
  end)

  it("warns about a type and a field that may be misspelled", function()
    local child = listening.start(nil, "--unsigned", "--events", "video.source.recoded", "--where", "vidoeId=1")
    assert.truthy(child:output():find("--events: unknown event type video.source.recoded; it may be newer than this"
      .. " version; did you mean video.source.recorded?\n", 1, true), child:output())
    child = listening.start(nil, "--unsigned", "--events", "vido.*")
    assert.truthy(child:output():find("did you mean video.*?\n", 1, true), child:output())
    child = listening.start(nil, "--unsigned", "--events", "video.source.*", "--where", "vidoeId=1")
    assert.truthy(child:output():find('--where: no selected event has a field vidoeId; did you mean "videoId"?\n', 1,
      true), child:output())
  end)

  it("forwards the same bytes and headers, and responds with the status from there", function()
    local status = "503 Service Unavailable"
    local app = running.serving(function() return status, "", "not\27 now" end)
    local child = listening.start(nil, "--secret", SECRET, "--forward-to", app.url)
    local body = listening.event { note = "caf\195\169  " }
    assert.equal(503, listening.send(child.url, body, { headers = { "X-Two: 1", "X-Two: 2", "Connection: close" } }))
    local request = app.requests[1]
    assert.equal(body, request.body)
    assert.same({ require("apivideo").sign(body, SECRET) }, peer.values(request, "x-api-video-signature"))
    assert.same({ "1", "2" }, peer.values(request, "x-two"))
    assert.same({}, peer.values(request, "connection"))
    assert.same({ tostring(#body) }, peer.values(request, "content-length"))
    child:wait_for "verified 503  "
    child:wait_for "not forwarded 503 in %d+%.%d ms: not%? now\n"
    status = "202 Accepted"
    assert.equal(202, listening.send(child.url, body))
    child:wait_for "forwarded 202 in "
    assert.equal(401, listening.send(child.url, body, { secret = "other" }))
    assert.equal(2, #app.requests)
  end)

  it("responds with 502 if the application does not run, and prints only that with --quiet", function()
    local child = listening.start(nil, "--secret", SECRET, "--forward-to", "http://127.0.0.1:1/", "--quiet")
    assert.equal(502, listening.send(child.url, listening.event()))
    child:wait_for "verified 502 .-\n +not forwarded not sent in %d"
    running.finish(child, "TERM")
    local app = running.responding "200 OK"
    child = listening.start(nil, "--secret", SECRET, "--forward-to", app.url, "--quiet")
    assert.equal(200, listening.send(child.url, listening.event()))
    local output = running.finish(child, "TERM")
    assert.is_nil(output:find("verified", 1, true))
  end)

  it("saves each delivery, in a file that only its owner can read", function()
    local path = running.directory() .. "/deliveries.jsonl"
    local raw = listening.event { note = "\0\255" }
    for round = 1, 2 do
      local child = listening.start(nil, "--secret", SECRET, "--save", path, "--events", "live-stream.*")
      listening.send(child.url, raw, { headers = { "X-Round: " .. round } })
      listening.send(child.url, listening.event(), { secret = "other" })
      running.finish(child, "TERM")
    end
    assert.equal(384, core.file_mode(path)) -- 0600
    local list = {}
    for line in io.lines(path) do list[#list + 1] = cjson.decode(line) end
    assert.equal(4, #list)
    assert.equal(raw, base64.decode(list[1].body))
    assert.equal("2", list[3].headers["x-round"])
    assert.equal("rejected", list[4].result)
    assert.equal("bad_signature", list[4].kind)
    assert.equal(401, list[4].status)
  end)

  it("rejects a file that others can read, and ends when the file or the output cannot be written", function()
    local path = running.directory() .. "/deliveries.jsonl"
    file.write(path, "")
    os.execute("chmod 644 " .. path)
    local output, status = listening.run { "--unsigned", "--port", "0", "--save", path }
    assert.equal(1, status)
    assert.truthy(output:find("others can read or change it (mode 0644); run: chmod 600 '" .. path, 1, true), output)
    local child = listening.start(nil, "--unsigned", "--save", "/dev/full")
    assert.equal(500, listening.send(child.url, listening.event(), { secret = false }))
    output, status = child:finish()
    assert.equal(1, status)
    assert.truthy(output:find("apivideo: --save: /dev/full: No space left on device", 1, true), output)
  end)

  it("runs a local api.video in the same process with --emulate", function()
    local child = listening.start(nil, "--emulate", "--events", "video.*")
    local api = child:wait_for "A local api.video listens on (http://[%d.]+:%d+); its API key is local%-key%."
    local output, status = process.run { "bin/apivideo", "trigger", "video.source.recorded", "--through", api }
    assert.equal(0, status, output)
    assert.truthy(output:find("sends the event to 1 webhook.", 1, true), output)
    child:wait_for "verified 204  video%.source%.recorded "
    output = process.run { "bin/apivideo", "trigger", "live-stream.broadcast.started", "--through", api }
    assert.truthy(output:find("to 0 webhooks", 1, true), output)
    assert.equal(0, select(2, running.finish(child, "INT")))
  end)

  it("fails at the start with a wrong key", function()
    local api = running.emulator()
    local output, status = listening.run { "--api-key", "wrong", "--base-url", api.url, "--port", "0" }
    assert.equal(1, status)
    assert.truthy(output:find("unauthorized (401)", 1, true), output)
    local _, hints = output:gsub("[Cc]heck the", "")
    assert.equal(1, hints, output)
    assert.is_nil(output:find("Listening", 1, true))
    output, status = listening.run { "--api-key", "k", "--base-url", "http://127.0.0.1:1", "--port", "0" }
    assert.equal(1, status)
    assert.truthy(output:find("network", 1, true), output)
  end)

  it("rejects options that exclude each other or are invalid", function()
    for _, case in ipairs {
      { "can not be used together", { "--emulate", "--unsigned" } },
      { "can not be used together", { "--public-url", "auto", "--secret", "s" } },
      { "can not be used together", { "--public-url", "auto", "--emulate" } },
      { "can not be used together", { "--unsigned", "--quiet", "-v" } },
      { "--base-url needs an API key; remove it, or use --api-key instead of --emulate",
        { "--emulate", "--base-url", "http://x" } },
      { "--public-url needs an API key; use --api-key, or set APIVIDEO_API_KEY", { "--public-url", "auto" } },
      { "--public-url must begin with http:// or https://; did you mean http://auto2?",
        { "--public-url", "auto2", "--api-key", "k" } },
      { "--forward-to must name a host", { "--unsigned", "--forward-to", "http://" } },
      { "--where must have the form name=value, got 'x'", { "--unsigned", "--where", "x" } },
      { "--events must be a type or a pattern such as 'video.*', got 'video*'",
        { "--unsigned", "--events", "video*" } },
    } do
      local output, status = listening.run(case[2])
      assert.equal(2, status, output)
      assert.truthy(output:find("apivideo: " .. case[1], 1, true) or output:find(case[1], 1, true), output)
      assert.truthy(output:find("See: apivideo listen --help", 1, true), output)
    end
  end)

  it("deletes its webhook, and reports a bug as one, when something raises", function()
    local api = running.emulator()
    local client = require("apivideo").client { api_key = "key", base_url = api.url }
    local child = running.process({ "-e", ([[
      require("apivideo.cli.listen.printing").summary = function() return nil + 1 end
      os.exit(require("apivideo.cli").main { "listen", "--port", "0", "--api-key", "key", "--base-url", %q,
        "--public-url", "http://127.0.0.1:9/" })]]):format(api.url) },
      "XDG_STATE_HOME=" .. running.directory() .. " XDG_CONFIG_HOME=/nonexistent")
    child:wait_for "The webhook webhook_"
    local output, status = running.finish(child, "INT")
    assert.equal(1, status, output)
    assert.truthy(output:find("internal error: ", 1, true), output)
    assert.same({}, client.webhooks:all())
  end)

  it("does not forward to itself", function()
    local port = require "spec.support.free_port"()
    local output, status = listening.run { "--unsigned", "--port", tostring(port), "--forward-to",
      ("http://127.0.0.1:%d/x"):format(port) }
    assert.equal(2, status)
    assert.truthy(output:find("--forward-to is the URL of this command itself", 1, true), output)
  end)
end)
