local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local cjson = require "cjson"
local file = require "spec.support.file"
local free_port = require "spec.support.free_port"
local listening = require "spec.support.listening"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local running = require "spec.support.running"
local saved_file = require "apivideo.cli.saved_file"
local tls_front = require "spec.support.tls_front"

local SECRET = listening.SECRET

describe("command resend #process", function()
  local path, bodies

  -- A file of `listen --save` with three deliveries.
  setup(function()
    path = running.directory() .. "/deliveries.jsonl"
    bodies = { listening.event { videoId = "vi1" }, listening.event { videoId = "vi2", quality = "1080p" },
      '{"type":"live-stream.broadcast.started","emittedAt":"2026-01-01T00:00:00Z","liveStreamId":"li1"}' }
    local child = listening.start(nil, "--secret", SECRET, "--save", path)
    for i, body in ipairs(bodies) do listening.send(child.url, body, { headers = { "X-Number: " .. i } }) end
    running.finish(child, "TERM")
  end)
  teardown(running.stop)

  local stops
  before_each(function() stops = {} end)
  after_each(function() for _, stop in ipairs(stops) do stop() end end)

  local function application(status)
    local app = peer.responding(status or "204 No Content")
    stops[1] = app.stop
    return app
  end

  local function run(arguments, environment)
    return process.run({ "bin/apivideo", "resend", (table.unpack or unpack)(arguments) },
      "APIVIDEO_WEBHOOK_SECRET= XDG_CONFIG_HOME=/nonexistent " .. (environment or ""))
  end

  local function signature_of(request) return peer.values(request, "x-api-video-signature")[1] end

  it("reads a pipe, which cannot be read twice", function()
    local pipe = path .. ".pipe"
    os.execute(("mkfifo '%s'; cat '%s' > '%s' 2> /dev/null &"):format(pipe, path, pipe))
    local chosen, lines = assert(saved_file.open(pipe, {})), {}
    os.remove(pipe)
    for line in chosen:each() do lines[#lines + 1] = line end
    assert.same({ 1, 2, 3 }, lines)
  end)

  it("says once what to do if the receiver rejects the signatures", function()
    local output, status = run { path, "--to", application("401 Unauthorized").url }
    assert.equal(1, status)
    assert.equal(1, select(2, output:gsub("The receiver verifies signatures with another secret: sign with that", "")))
    assert.matches("\n0 delivered, 3 failed\n$", output)
  end)

  it("fails with the reason if the path is that of a directory", function()
    local output, status = run { "/tmp", "--to", "http://127.0.0.1:1/" }
    assert.equal(1, status)
    assert.equal("apivideo: /tmp: Is a directory; the path of a file is expected\n", output)
  end)

  it("leaves out a line that a full disk has cut, also between others", function()
    local cut = path .. ".cut"
    local script = [[
      local hook = assert(require("apivideo.cli.listen.saving").new(%q))
      local outcome = { seconds = 0 }
      local function save(target)
        return (pcall(hook, { at = 1, status = 204, result = "unsigned", outcome = outcome,
          request = { headers = {}, target = target, body = ("x"):rep(300) } }))
      end
      local limit = "prlimit --pid " .. require("apivideo.core").process_id() .. " --fsize="
      local first = save "/1"
      os.execute(limit .. "700:unlimited")
      local second = save "/2"
      os.execute(limit .. "unlimited")
      print(first, second, save "/3")
    ]]
    file.write(cut .. ".lua", script:format(cut))
    local output = process.run({ cut .. ".lua" }, [[sh -c 'trap "" XFSZ; exec "$@"' sh]])
    assert.equal("true\tfalse\ttrue\n", output)
    local targets = {}
    for line, delivery in assert(saved_file.open(cut, {})):each() do targets[line] = delivery.target end
    assert.same({ [1] = "/1", [3] = "/3" }, targets)
  end)

  it("ends its list of deliveries where the file ends in the meantime", function()
    local copy = path .. ".copy"
    local first = file.read(path):match "^[^\n]*\n"
    file.write(copy, first .. first)
    local chosen = assert(saved_file.open(copy, {}))
    assert.equal(2, chosen.count)
    file.write(copy, first)
    local lines = {}
    for line in chosen:each() do lines[#lines + 1] = line end
    assert.same({ 1 }, lines)
  end)

  it("sends the original bytes, headers and signatures", function()
    local app = application()
    local output, status = run { path, "--to", app.url .. "/x" }
    assert.equal(0, status, output)
    assert.truthy(output:find "^delivered line 1  video%.encoding%.quality%.completed  204 in %d+%.%d ms\n")
    assert.truthy(output:find "\n3 delivered, 0 failed\n$")
    assert.equal(3, #app.requests)
    for i, request in ipairs(app.requests) do
      assert.equal("POST /x HTTP/1.1", request.line)
      assert.equal(bodies[i], request.body)
      assert.equal(apivideo.sign(bodies[i], SECRET), signature_of(request))
      assert.same({ tostring(i) }, peer.values(request, "x-number"))
      assert.same({ app.url:match "//(.*)" }, peer.values(request, "host"))
    end
  end)

  it("selects by line, by key, and by type", function()
    local app = application()
    local key = cjson.decode(file.read(path):match "^[^\n]+").key
    for _, case in ipairs {
      { { "--id", "2" }, { 2 } }, { { "--id", key, "--id", "3" }, { 1, 3 } },
      { { "--type", "live-stream.*" }, { 3 } }, { { "--type", "video.*", "--id", "2" }, { 2 } },
    } do
      local before = #app.requests
      local output, status = run { path, "--to", app.url, (table.unpack or unpack)(case[1]) }
      assert.equal(0, status, output)
      assert.equal(#case[2], #app.requests - before)
      for i, number in ipairs(case[2]) do assert.equal(bodies[number], app.requests[before + i].body) end
    end
  end)

  it("selects by the time of arrival", function()
    local app, day, other = application(), 0, path .. ".days"
    file.write(other, (file.read(path):gsub('"time":"[^"]*"', function()
      day = day + 1
      return ('"time":"2026-01-0%dT12:00:00.000Z"'):format(day)
    end)))
    for _, case in ipairs {
      { { "--since", "2026-01-02T12:00:00Z" }, { 2, 3 } }, { { "--before", "2026-01-02T12:00:00Z" }, { 1 } },
      { { "--since", "2026-01-01T12:00:01Z", "--before", "2026-01-03T00:00:00Z" }, { 2 } },
    } do
      local before = #app.requests
      local output, status = run { other, "--to", app.url, (table.unpack or unpack)(case[1]) }
      assert.equal(0, status, output)
      assert.equal(#case[2], #app.requests - before)
      for i, number in ipairs(case[2]) do assert.equal(bodies[number], app.requests[before + i].body) end
    end
    local output, status = run { other, "--to", app.url, "--since", "1d" }
    assert.equal(1, status)
    assert.truthy(output:find("no delivery is selected", 1, true), output)
  end)

  it("says that a delivery that was rejected is not verified", function()
    local app, other = application(), path .. ".rejected"
    file.write(other, (file.read(path):match "^[^\n]*\n":gsub(',"type":"[^"]*"', "")
      :gsub('"result":"verified"', '"result":"rejected"')))
    local output = run { other, "--to", app.url }
    assert.truthy(output:find "^delivered line 1  not verified  204 in ", output)
  end)

  it("signs with another secret, also after changes", function()
    local app = application()
    assert.equal(0, select(2, run { path, "--to", app.url, "--id", "1", "--secret", "another" }))
    assert.equal(bodies[1], app.requests[1].body)
    assert.equal(apivideo.sign(bodies[1], "another"), signature_of(app.requests[1]))
    local output, status = run({ path, "--to", app.url, "--id", "1", "--set", "videoId=vi9", "--set", "count:=2",
      "--unset", "emittedAt", "--json" }, "APIVIDEO_WEBHOOK_SECRET=of-the-environment")
    assert.equal(0, status, output)
    local request = app.requests[2]
    local event = cjson.decode(request.body)
    assert.equal("vi9", event.videoId)
    assert.equal(2, event.count)
    assert.is_nil(event.emittedAt)
    assert.equal(apivideo.sign(request.body, "of-the-environment"), signature_of(request))
    local record = cjson.decode(output:match "^[^\n]+")
    assert.equal(1, record.line)
    assert.equal("delivered", record.state)
  end)

  it("fails if a delivery is not accepted, and sends the others", function()
    local app = application "500 Internal Server Error"
    local output, status = run { path, "--to", app.url }
    assert.equal(1, status)
    assert.truthy(output:find("0 delivered, 3 failed", 1, true), output)
    output, status = run { path, "--to", "http://127.0.0.1:1" }
    assert.equal(1, status)
    assert.truthy(output:find "failed line 1  [%w.]+  not sent in %d")
  end)

  it("verifies the certificate of the server, but not with --insecure", function()
    local app = application()
    local authority = certificates.new()
    stops[2] = function() authority:remove() end
    authority:issue("good", "IP:127.0.0.1")
    local url = "https://127.0.0.1:" .. tls_front(authority, nil, app.port)
    local output, status = run { path, "--to", url, "--id", "1" }
    assert.equal(1, status)
    assert.truthy(output:find("certificate", 1, true), output)
    assert.equal(0, #app.requests)
    assert.equal(0, select(2, run { path, "--to", url, "--id", "1", "--ca-file", authority:path "ca.crt" }))
    assert.equal(0, select(2, run { path, "--to", url, "--id", "1", "--insecure" }))
    assert.equal(2, #app.requests)
  end)

  it("leaves out a last line that is incomplete, and rejects a file with other lines", function()
    local app, other = application(), os.tmpname()
    local lines = file.read(path)
    file.write(other, lines .. '{"time":"20')
    local output, status = run { other, "--to", app.url }
    assert.equal(0, status, output)
    assert.truthy(output:find("warning: " .. other .. ": line 4 is incomplete, and is left out", 1, true), output)
    assert.equal(3, #app.requests)
    for _, line in ipairs { "{}", '{"headers":{},"body":"*"}', '{"headers":{"a":1},"body":""}', "x" } do
      file.write(other, lines .. line .. "\n")
      output, status = run { other, "--to", app.url }
      assert.equal(1, status)
      assert.truthy(output:find(other .. ": line 4 is not a delivery; the file must come from", 1, true), output)
    end
    assert.equal(3, #app.requests)
    os.remove(other)
  end)

  it("rejects invalid arguments", function()
    local to = "http://127.0.0.1:" .. free_port()
    for _, case in ipairs {
      { 2, "missing option '--to'", { path } },
      { 2, "--to must begin with http:// or https://", { path, "--to", "x" } },
      { 2, "use --secret or --secret-file", { path, "--to", to, "--set", "a=1" } },
      { 2, "only one --secret can sign", { path, "--to", to, "--secret", "a", "--secret", "b" } },
      { 2, "the value must be JSON", { path, "--to", to, "--set", "a:=x", "--secret", "s" } },
      { 1, "--unset none: the event has no such field", { path, "--to", to, "--unset", "none", "--secret", "s" } },
      { 2, "--type must be a type or a pattern", { path, "--to", to, "--type", "video*" } },
      { 2, "can not be used together", { path, "--to", to, "--insecure", "--ca-file", "x" } },
      { 1, "--id 4: " .. path .. " has no such line or key", { path, "--to", to, "--id", "4" } },
      { 1, path .. ": no delivery is selected", { path, "--to", to, "--type", "video.caption.generated" } },
      { 1, "/nonexistent: No such file or directory", { "/nonexistent", "--to", to } },
      { 1, "/: Is a directory", { "/", "--to", to } },
      { 2, "--since must be a duration ago", { path, "--to", to, "--since", "yesterday" } },
    } do
      local output, status = run(case[3])
      assert.equal(case[1], status, output)
      assert.truthy(output:find(case[2], 1, true), output)
    end
  end)
end)
