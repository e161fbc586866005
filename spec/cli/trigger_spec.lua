local cjson = require "cjson"
local apivideo = require "apivideo"
local file = require "spec.support.file"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local runtime = require "apivideo.runtime"
local signature = require("apivideo.core").signature

local QUALITY = "video.encoding.quality.completed"
local TO = { "--to", "http://127.0.0.1:1" }
local unpack = table.unpack or unpack

-- Runs the command with the arguments of several lists. Returns its output and exit status.
local function run(...)
  local arguments = { "bin/apivideo", "trigger" }
  for _, list in ipairs { ... } do
    for _, argument in ipairs(list) do arguments[#arguments + 1] = argument end
  end
  return process.run(arguments, "APIVIDEO_WEBHOOK_SECRET= APIVIDEO_API_KEY=")
end

-- Runs the command against a peer. Returns its requests, the output and the exit status.
local function send(arguments, status_line)
  local p = peer.responding(status_line or "204 No Content")
  local output, status = run(arguments, { "--to", p.url })
  p.stop()
  return p.requests, output, status
end

-- Each event of a peer's requests in one word: `hls-240p` or `broadcast.started`.
local function words(requests)
  local list = {}
  for i, request in ipairs(requests) do
    local event = cjson.decode(request.body)
    list[i] = event.encoding and event.encoding .. "-" .. event.quality or event.type:match "%w+%.%w+$"
  end
  return table.concat(list, " ")
end

-- Runs each case, { expected message, arguments … }, which must be a usage error.
local function assert_usage_errors(cases)
  for _, case in ipairs(cases) do
    local output, status = run({ unpack(case, 2) })
    assert.equal(2, status, case[1] .. ": " .. output)
    assert.truthy(output:find("apivideo: " .. case[1], 1, true), output)
    assert.truthy(output:find("\nSee: apivideo trigger %-%-help\n$"), output)
  end
end

describe("command trigger #process", function()
  it("lists types and scenarios in its help, a line each", function()
    local output, status = run { "--help" }
    assert.equal(0, status)
    for _, name in ipairs(apivideo.events:names()) do assert.truthy(output:find("\n- " .. name .. ": ", 1, true)) end
    assert.truthy(output:find("\n- upload: ", 1, true))
  end)

  it("sends a signed event with the current date, and prints the response", function()
    local before = os.date "!%Y-%m-%dT%H:%M"
    local requests, output, status = send { QUALITY, "--secret", "sig_sec_test", "--set", "quality=240p" }
    assert.equal(0, status, output)
    assert.matches("^delivered attempt 1: 204 in [%d.]+ ms  " .. QUALITY:gsub("%p", "%%%0") .. " encoding=hls ", output)
    local body = requests[1].body
    local event = cjson.decode(body)
    assert.equal("240p", event.quality)
    assert.truthy(event.emittedAt >= before)
    assert.same({ signature.sign(body, "sig_sec_test") }, peer.values(requests[1], "X-Api-Video-Signature"))
    assert.same({ "webhook_0000000000000000000000" }, peer.values(requests[1], "X-Api-Video-WebhookID"))
  end)

  it("takes the secret from a file or from the environment", function()
    local path = os.tmpname()
    file.write(path, "sig_sec_file\n")
    local requests = send { QUALITY, "--secret-file", path }
    os.remove(path)
    assert.same({ signature.sign(requests[1].body, "sig_sec_file") }, peer.values(requests[1], "X-Api-Video-Signature"))
    local p = peer.responding "204 No Content"
    process.run({ "bin/apivideo", "trigger", QUALITY, "--to", p.url }, "APIVIDEO_WEBHOOK_SECRET=sig_sec_env")
    p.stop()
    assert.same({ signature.sign(p.requests[1].body, "sig_sec_env") },
      peer.values(p.requests[1], "X-Api-Video-Signature"))
    assert.same({}, peer.values(send({ QUALITY })[1], "X-Api-Video-Signature"))
  end)

  it("sets strings and JSON values, and removes fields", function()
    local requests = send { "video.caption.generated", "--set", "videoId=b=c", "--set", "language:=[1,null]",
      "--set", "emittedAt=soon", "--unset", "generationMode" }
    assert.equal('{"type":"video.caption.generated","emittedAt":"soon","videoId":"b=c",'
      .. '"captionId":"caption_1CHAfLFHT5B5EV4vzT1234","language":[1,null]}', requests[1].body)
    requests = send { "video.source.recorded", "--unset", "emittedAt", "--unset", "liveStreamId" }
    assert.equal('{"type":"video.source.recorded","videoId":"vi4blUQJFrYWbaG44NChkH11"}', requests[1].body)
  end)

  it("sends a field that the type does not have, with a warning that names the most similar one", function()
    local requests, output, status = send { "video.source.recorded", "--set", "vidoeId=vi1" }
    assert.equal(0, status, output)
    assert.truthy(output:find("apivideo: warning: video.source.recorded has no field vidoeId; sending it anyway;"
      .. ' did you mean "videoId"?\n', 1, true), output)
    assert.equal("vi1", cjson.decode(requests[1].body).vidoeId)
    for kind, name in pairs { ["video.source.recorded"] = "liveStreamId", ["player.something.new"] = "playerId" } do
      requests, output, status = send { kind, "--set", name .. "=x", "--set", "emittedAt=y" }
      assert.equal("x", cjson.decode(requests[1].body)[name])
      assert.equal(0, status, output)
      assert.is_nil(output:find("has no field", 1, true), output)
    end
  end)

  it("sends an event of an unknown type, and suggests a similar known type", function()
    for name, expected in pairs {
      ["video.encoding.quality.complete"] = "did you mean " .. QUALITY .. "?",
      ["video.summarizing.generated"] = "did you mean video.summary.generated?",
      ["player.something.new"] = "see: apivideo trigger --help",
      ["recordin"] = "did you mean recording?",
    } do
      local requests, output, status = send { name }
      assert.equal(0, status, output)
      assert.truthy(output:find("apivideo: warning: unknown event type " .. name .. "; sending it anyway; " .. expected,
        1, true), output)
      assert.equal(name, cjson.decode(requests[1].body).type)
    end
    assert.is_nil(select(2, send { QUALITY }):find("warning", 1, true))
  end)

  it("sends the exact bytes of --data, and signs them", function()
    local bytes = '{"type" : "x",\r\n"a":"\255"}\n\n'
    local path = os.tmpname()
    file.write(path, bytes)
    for _, data in ipairs { "@" .. path, bytes } do
      local requests, output, status = send { "--data", data, "--secret", "s" }
      assert.equal(0, status, output)
      assert.equal(bytes, requests[1].body)
      assert.same({ signature.sign(bytes, "s") }, peer.values(requests[1], "X-Api-Video-Signature"))
      assert.truthy(output:find("  " .. #bytes .. " bytes\n", 1, true), output)
    end
    local p = peer.responding "204 No Content"
    local command = process.command { "bin/apivideo", "trigger", "--data", "-", "--to", p.url, "--json" }
    process.start({ "-e", ("os.execute(%q)"):format(command .. " < " .. path) }):finish()
    p.stop()
    assert.equal(bytes, p.requests[1].body)
    os.remove(path)
  end)

  it("adds headers, which replace its own", function()
    local requests = send { QUALITY, "--secret", "s", "--header", "x-api-video-signature: forged",
      "--header", "X-B:  c ", "--header", "Content-Type: text/plain; charset=utf-8" }
    assert.same({ "forged" }, peer.values(requests[1], "X-Api-Video-Signature"))
    assert.same({ "c" }, peer.values(requests[1], "X-B"))
    assert.same({ "text/plain; charset=utf-8" }, peer.values(requests[1], "Content-Type"))
  end)

  it("sends the events of an upload, with a failed quality and with duplicates", function()
    local requests, output, status = send { "upload", "--quality", "480p", "--failed", "hls 360p", "--pause", "0" }
    assert.equal(0, status, output)
    assert.equal("hls-240p hls-480p mp4-480p", words(requests))
    requests = send { "upload", "--quality", "240p", "--duplicate", "--pause", "0" }
    assert.equal("hls-240p hls-240p mp4-240p mp4-240p", words(requests))
    assert.equal(requests[1].body, requests[2].body)
  end)

  it("sends the events of a recording in reverse order, with the dates of their own order", function()
    local requests = send { "recording", "--quality", "240p", "--reverse", "--pause", "0" }
    assert.equal("mp4-240p hls-240p source.recorded broadcast.ended broadcast.started", words(requests))
    for i = 2, #requests do
      assert.truthy(cjson.decode(requests[i].body).emittedAt < cjson.decode(requests[i - 1].body).emittedAt)
    end
  end)

  it("sets a field in those events of a scenario that have it", function()
    local requests, output = send { "recording", "--quality", "240p", "--pause", "0", "--set", "videoId=vi1",
      "--set", "liveStreamId=li1", "--set", "new:=1", "--unset", "encoding" }
    assert.truthy(output:find("has no field new; sending it anyway", 1, true), output)
    for i, request in ipairs(requests) do
      local event = cjson.decode(request.body)
      assert.equal("li1", event.liveStreamId)
      assert.equal(i > 2 and "vi1" or nil, event.videoId)
      assert.equal(1, event.new)
      assert.is_nil(event.encoding)
    end
  end)

  it("pauses between two events", function()
    local times = {}
    local p = peer.serving(function()
      times[#times + 1] = runtime.monotonic()
      return "204 No Content"
    end)
    local output = run { "live", "--pause", "0.5", "--json", "--to", p.url }
    p.stop()
    assert.equal("broadcast.started broadcast.ended", words(p.requests))
    assert.truthy(times[2] - times[1] > 0.4)
    local first, second = cjson.decode(p.requests[1].body).emittedAt, cjson.decode(p.requests[2].body).emittedAt
    local seconds = second:match ":(%d+%.%d+)Z" - first:match ":(%d+%.%d+)Z"
    assert.near(0.5, seconds % 60, 0.01)
    local lines = {}
    for line in output:gmatch "[^\n]+" do lines[#lines + 1] = cjson.decode(line) end
    assert.equal("live-stream.broadcast.ended", lines[2].event.type)
    assert.equal("delivered", lines[2].state)
  end)

  it("continues after a failed delivery, and fails", function()
    local requests, output, status = send({ "live", "--pause", "0", "--max-attempts", "2", "--interval", "0" },
      "500 Internal Server Error")
    assert.equal(1, status)
    assert.equal("broadcast.started broadcast.started broadcast.ended broadcast.ended", words(requests))
    assert.truthy(output:find("failed attempt 2: 500 in ", 1, true), output)
    local p = peer.serving(function(request)
      return request.body:find("started", 1, true) and "500 Internal Server Error" or "204 No Content"
    end)
    output, status = run({ "live", "--pause", "0", "--to", p.url })
    p.stop()
    assert.equal(1, status)
    assert.truthy(output:find("\ndelivered attempt 1: 204 in ", 1, true), output)
  end)

  it("tells a receiver that does not respond from one that cannot be reached", function()
    local output, status = run({ QUALITY, "--json" }, TO)
    assert.equal(1, status)
    local record = cjson.decode(output)
    assert.is_false(record.sent)
    assert.equal("network", record.kind)
    output = run({ QUALITY }, TO)
    assert.matches("^failed attempt 1: not sent in [%d.]+ ms: .*127.0.0.1", output)
    local p = peer.start(function(connection) connection:read_request() end)
    output, status = run({ QUALITY }, { "--to", p.url })
    p.stop()
    assert.equal(1, status)
    assert.matches("^failed attempt 1: sent, but no response in [%d.]+ ms: ", output)
  end)

  it("rejects a URL that cannot be reached at once", function()
    local started = os.time()
    assert_usage_errors {
      { "--to must have a port from 1 to 65535 after the host", QUALITY, "--to", "http://h:99999" },
      { "--through has a host with an empty part: 'a..b'", QUALITY, "--through", "http://a..b" },
      { "--to must begin with http:// or https://; did you mean http://***@localhost?", QUALITY,
        "--to", "u:pass@localhost" },
      { "nothing was sent to http://[1:2:3]/: ", QUALITY, "--to", "http://[1:2:3]/", "--max-attempts", "3" },
      { "nothing was sent to http://h: ", QUALITY, "--to", "http://h", "--header", "Content-Length: 1",
        "--max-attempts", "3" },
      { "nothing was sent to https://h: ca_file cannot be read: /nonexistent", QUALITY, "--to", "https://h",
        "--ca-file", "/nonexistent", "--max-attempts", "3" },
    }
    assert.truthy(os.time() - started < 6) -- two intervals
  end)

  it("rejects a type that no event has, and derived types", function()
    local videos = {}
    for _, name in ipairs(apivideo.events:names()) do
      if name:find "^video%." then videos[#videos + 1] = name end
    end
    assert_usage_errors {
      { "the type is empty; check that the variable", "", unpack(TO) },
      { "video.* is a pattern, and an event has one type; send one of: " .. table.concat(videos, ", "),
        "video.*", unpack(TO) },
      { "* is a pattern, and an event has one type; send one of: live-stream.broadcast.ended, ", "*", unpack(TO) },
      { '"vid*" is not a known event type (a pattern is "*", or ends in ".*"', "vid*", unpack(TO) },
      { '"apivideo.video.ready" is a type that this library derives from other events', "apivideo.video.ready",
        unpack(TO) },
    }
  end)

  it("rejects arguments that are invalid, or have no effect", function()
    local with_local = " needs --to; with --through, "
    local signs = with_local .. "the local api.video signs with the secrets of its webhooks\n"
    local through = { "--through", "http://127.0.0.1:1" }
    local one_attempt = "--interval is the time between two attempts; pass --max-attempts with 2 or more"
    assert_usage_errors {
      { "one of --to and --through is required", QUALITY },
      { "the type of the event is missing; name it, or use --data", unpack(TO) },
      { "--to and --through exclude each other", QUALITY, "--to", "http://h", unpack(through) },
      { "--secret" .. signs, QUALITY, "--secret", "s", unpack(through) },
      { "--secret-file" .. signs, QUALITY, "--secret-file", "spec/cli/trigger_spec.lua", unpack(through) },
      { "--profile" .. signs, QUALITY, "--profile", "p", unpack(through) },
      { "--webhook-id" .. with_local, QUALITY, "--webhook-id", "w", unpack(through) },
      { "--header" .. with_local, QUALITY, "--header", "a: b", unpack(through) },
      { "--max-attempts" .. with_local .. "pass it to apivideo emulate\n", QUALITY, "--max-attempts", "1",
        unpack(through) },
      { "--interval" .. with_local, QUALITY, "--interval", "3", unpack(through) },
      { "--api-key needs --through; with --to, sign with --secret", QUALITY, "--api-key", "k", unpack(TO) },
      { one_attempt, QUALITY, "--interval", "3", unpack(TO) },
      { one_attempt, QUALITY, "--interval", "0", "--max-attempts", "1", unpack(TO) },
      { "--interval must be a number of seconds from 0 to 86400, got '-1'; write, for example, --interval 3", QUALITY,
        "--interval", "-1", unpack(TO) },
      { "one secret signs a delivery, got 2", QUALITY, "--secret", "s", "--secret", "t", unpack(TO) },
      { "--set must have the form name=value, or name:=value for JSON, got 'x'", QUALITY, "--set", "x", unpack(TO) },
      { "--set a:=b: the value must be JSON", QUALITY, "--set", "a:=b", unpack(TO) },
      { "--unset x: the event has no such field", QUALITY, "--unset", "x", unpack(TO) },
      { "--header must have the form 'Name: value', got 'x'", QUALITY, "--header", "x", unpack(TO) },
      { "--header must have the form 'Name: value', got ", QUALITY, "--header", "x: a\nb", unpack(TO) },
      { "--data: /nonexistent", "--data", "@/nonexistent", unpack(TO) },
      { "TYPE and --data exclude each other: --data is sent as it is", QUALITY, "--data", "{}", unpack(TO) },
      { "--set and --data exclude each other", "--data", "{}", "--set", "a=b", unpack(TO) },
      { "--quality must be one of 240p, 360p, 480p, 720p, 1080p, 2160p, got", "upload", "--quality", "721p",
        unpack(TO) },
      { "--quality needs a scenario instead of a type, such as upload", QUALITY, "--quality", "720p", unpack(TO) },
      { "--reverse needs a scenario instead of a type", QUALITY, "--reverse", unpack(TO) },
      { "--failed needs a scenario with an encoding, such as upload", "live", "--failed", "mp4", unpack(TO) },
      { "--failed must be an encoding, a quality or both", "upload", "--failed", "webm", unpack(TO) },
      { "--failed selects no quality of this upload", "upload", "--failed", "1080p", unpack(TO) },
      { "--pause needs several events: a scenario, or --duplicate", QUALITY, "--pause", "1", unpack(TO) },
    }
  end)
end)
