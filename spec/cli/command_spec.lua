local apivideo = require "apivideo"
local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local shell = require "spec.support.shell"

local QUALITY = "video.encoding.quality.completed"

-- Runs the command. Returns its output and exit status.
local function run(arguments, environment)
  return process.run({ "bin/apivideo", (table.unpack or unpack)(arguments) }, environment)
end

local function start(arguments)
  return process.start { "bin/apivideo", (table.unpack or unpack)(arguments) }
end

describe("command #process", function()
  it("prints help and the version", function()
    local output, status = run { "--help" }
    assert.equal(0, status)
    for _, word in ipairs { "emulate", "listen", "trigger", "Exit status" } do
      assert.truthy(output:find(word, 1, true), word)
    end
    output, status = run { "--version" }
    assert.equal(0, status)
    assert.equal(apivideo._VERSION .. "\n", output)
  end)

  it("says how a clone's command finds the library", function()
    local output, status = process.run({ "bin/apivideo" }, "LUA_PATH=/none/?.lua")
    assert.equal("apivideo: the library is not installed for this Lua; in a clone, run: eval \"$(make -s env)\"\n",
      output)
    assert.equal(1, status)
  end)

  it("prints help in ASCII, which each terminal shows", function()
    for _, words in ipairs { {}, { "listen" }, { "trigger" }, { "webhooks", "sync" }, { "inbox", "list" } } do
      words[#words + 1] = "--help"
      assert.is_nil((run(words)):find "[\128-\255]")
    end
  end)

  it("exits with 2 on a usage error, and prints a remedy", function()
    for _, case in ipairs {
      { {}, "command" },
      { { "listne" }, "Did you mean 'listen'?" },
      { { "listen", "--prot", "1" }, "Did you mean '--port'?" },
      { { "listen", "--port", "x" },
        "--port must be an integer from 0 to 65535, got 'x'; write, for example, --port 8080" },
      { { "listen", "--port", "80801" }, "from 0 to 65535" },
      { { "listen" }, "use --secret, --secret-file, --api-key, --emulate or --unsigned" },
      { { "listen", "--secret", "s", "--unsigned" }, "can not be used together" },
      { { "listen", "--api-key", "bad key" }, "api_key" },
      { { "listen", "--api-key", "k", "--base-url", "http://h?x" }, "--base-url" },
      { { "listen", "--api-key", "k", "--environment", "test" },
        "--environment must be production or sandbox, got 'test'" },
      { { "trigger", QUALITY, "--too", "x" }, "See: apivideo trigger --help" },
      { { "trigger", QUALITY, "--to", "http://127.0.0.1:1", "--secret", "s\n" },
        '--secret must not end in whitespace (the last byte is a newline); pass it as "$(cat FILE)"' },
      { { "trigger", QUALITY, "--to", "http://127.0.0.1:1", "--secret", "" }, "--secret is empty; check that" },
      { { "listen", "--secret", "s", "--secret", " s" }, "--secret must not begin with whitespace" },
      { { "listen", "--api-key", "" }, "--api-key is empty; check that the variable" },
      { { "emulate", "--api-key", "k " }, "--api-key must not end in whitespace (the last byte is a space)" },
    } do
      local output, status = run(case[1], "APIVIDEO_API_KEY=")
      assert.equal(2, status, table.concat(case[1], " ") .. ": " .. output)
      assert.truthy(output:find(case[2], 1, true), output)
    end
    local output, status = run({ "listen" }, "APIVIDEO_API_KEY='k\n'")
    assert.equal(2, status)
    assert.truthy(output:find("APIVIDEO_API_KEY must not end in whitespace (the last byte is a newline)", 1, true))
  end)

  it("rejects options of another mode", function()
    local one_attempt = " is the time between two attempts; pass --max-attempts with 2 or more, or omit --interval"
    for _, case in ipairs {
      { { "emulate", "--max-attempts", "1" }, "--interval", "3", one_attempt },
      { { "listen", "--secret", "s" }, "--environment", "production",
        " needs an API key; remove it, or use --api-key instead of --secret" },
      { { "listen", "--unsigned" }, "--environment", "sandbox",
        " needs an API key; remove it, or use --api-key instead of --unsigned" },
      { { "listen", "--unsigned" }, "--base-url", "http://127.0.0.1:1",
        " needs an API key; remove it, or use --api-key instead of --unsigned" },
    } do
      local arguments = { (table.unpack or unpack)(case[1]) }
      arguments[#arguments + 1] = case[2]
      arguments[#arguments + 1] = case[3]
      local output, status = run(arguments, "APIVIDEO_API_KEY=k")
      assert.equal(2, status, output)
      assert.truthy(output:find("apivideo: " .. case[2] .. case[4] .. "\n", 1, true), output)
    end
    local output, status = run { "listen", "--api-key", "k", "--environment", "sandbox", "--base-url", "http://x" }
    assert.equal(2, status, output)
    assert.truthy(output:find("can not be used together", 1, true), output)
  end)

  it("rejects a number out of range with its option and a valid one", function()
    local max_attempts = "--max-attempts must be an integer from 1 to 100, got '%s';"
      .. " write, for example, --max-attempts 3\n"
    local interval = "--interval must be a number of seconds from 0 to 86400, got '%s'; write, for example,"
      .. " --interval 3\n"
    local timeout = "--timeout must be a number of seconds from 0.001 to 86400, got '%s'; write, for example,"
      .. " --timeout 10\n"
    local port = "--port must be an integer from 0 to 65535, got '%s'; write, for example, --port 8080\n"
    for _, case in ipairs {
      { { "emulate" }, "--interval", interval, { "-1", "-.5", "86401", "nan" } },
      { { "emulate" }, "--max-attempts", max_attempts, { "-1", "0", "1.5" } },
      { { "emulate" }, "--timeout", timeout, { "0", "0.0001", "86401" } },
      { { "emulate" }, "--port", port, { "-1" } },
      { { "listen", "--unsigned" }, "--port", port, { "-1" } },
    } do
      for _, value in ipairs(case[4]) do
        local arguments = { (table.unpack or unpack)(case[1]) }
        arguments[#arguments + 1] = case[2]
        arguments[#arguments + 1] = value
        local output, status = run(arguments)
        assert.equal(2, status, output)
        assert.truthy(output:find("apivideo: " .. case[3]:format(value), 1, true), output)
      end
    end
  end)

  it("listens and prints each delivery", function()
    local secret = "sig_sec_test"
    local child = start { "listen", "--port", "0", "--secret", secret }
    local url = child:wait_for("Listening on (http://[%d.]+:%d+)")
    local output, status = run { "trigger", QUALITY, "--to", url, "--secret", secret, "--set", "quality=2160p" }
    assert.equal(0, status)
    assert.truthy(output:find("^delivered attempt 1: 204 in %d"))
    child:wait_for("verified 204  " .. QUALITY:gsub("%p", "%%%0") .. " .*quality=2160p")
    output, status = run { "trigger", QUALITY, "--to", url, "--secret", "sig_sec_another",
      "--max-attempts", "2", "--interval", "0" }
    assert.equal(1, status)
    assert.truthy(output:find("attempt 2: 401 in %d"))
    child:wait_for("rejected 401  bad_signature: signature mismatch")
    output, status = run { "trigger", QUALITY, "--to", url }
    assert.equal(1, status)
    assert.truthy(output:find("401", 1, true))
    assert.is_nil(child:output():find(secret, 1, true))
    assert.is_nil(child:output():find("\27", 1, true))
    child:kill("TERM")
    assert.equal(0, child:wait())
  end)

  it("prints JSON for programs", function()
    local child = start { "listen", "--port", "0", "--unsigned", "--json" }
    local url = cjson.decode(child:wait_for("^(.-)\n")).url
    local output = run { "trigger", "video.source.recorded", "--to", url, "--json", "--set", "videoId=b=c" }
    local attempt = cjson.decode(output)
    assert.equal("delivered", attempt.state)
    assert.equal(204, attempt.status)
    local record = cjson.decode(child:wait_for("\n(.-)\n"))
    assert.equal("unsigned", record.result)
    assert.equal("video.source.recorded", record.event.type)
    assert.equal("b=c", record.event.videoId)
    child:kill("TERM")
    assert.equal(0, child:wait())
  end)

  it("runs a local api.video, which sends deliveries", function()
    local child = start { "emulate", "--port", "0", "--api-key", "k", "--interval", "0" }
    local url = child:wait_for("listens on (http://[%d.]+:%d+)")
    local client = apivideo.client { api_key = "k", base_url = url }
    local p = peer.responding("204 No Content")
    assert(client.webhooks:create { url = p.url, events = { QUALITY } })
    local trigger = start { "trigger", QUALITY, "--through", url, "--api-key", "k" }
    trigger:wait_for("sends the event to 1 webhook%.")
    assert.equal(0, trigger:wait())
    child:wait_for(("delivered %s  attempt 1: 204 in [%%d.]+ ms  %s encoding=hls "):format(
      (p.url:gsub("%p", "%%%0")), (QUALITY:gsub("%p", "%%%0"))))
    trigger = start { "trigger", "video.source.recorded", "--through", url, "--api-key", "k" }
    trigger:wait_for("sends the event to 0 webhooks%.  video%.source%.recorded [^\n]*\n"
      .. "None subscribes to video%.source%.recorded: create one with POST /webhooks, or with: apivideo"
      .. " webhooks create URL %-%-event 'video%.source%.recorded' %-%-base%-url '"
      .. url:gsub("%p", "%%%0") .. "' %-%-api%-key KEY\n")
    assert.equal(0, trigger:wait())
    assert.equal(1, #p.requests)
    p.stop()
    local output, status = run { "trigger", QUALITY, "--through", url, "--api-key", "another" }
    assert.equal(1, status)
    assert.truthy(output:find("401", 1, true))
    child:kill("TERM")
    assert.equal(0, child:wait())
  end)

  it("ends an attempt of a local api.video after --timeout", function()
    local child = start { "emulate", "--port", "0", "--max-attempts", "1", "--timeout", "0.2" }
    local url = child:wait_for("listens on (http://[%d.]+:%d+)")
    local client = apivideo.client { api_key = "local-key", base_url = url }
    local silent = peer.start(function(connection)
      connection:read_request()
      connection:read_request() -- no response
    end)
    assert(client.webhooks:create { url = silent.url, events = { QUALITY } })
    assert.equal(0, (select(2, run { "trigger", QUALITY, "--through", url })))
    local milliseconds = child:wait_for("failed [^\n]+ attempt 1: sent, but no response in ([%d.]+) ms")
    assert.is_true(tonumber(milliseconds) >= 199, milliseconds)
    assert.is_true(tonumber(milliseconds) < 9000, milliseconds)
    silent.stop()
    child:kill("TERM")
    assert.equal(0, child:wait())
  end)

  it("prints colours on a terminal, and not with NO_COLOR", function()
    if not shell.has "script" then return pending "script (of util-linux) is not installed" end
    local command = process.command { "bin/apivideo", "trigger", QUALITY, "--to", "http://127.0.0.1:1/" }
    for no_color, is_coloured in pairs { [""] = true, ["1"] = false } do
      -- util-linux's script runs a command on a pseudo-terminal.
      local pipe = io.popen(("TERM=xterm NO_COLOR=%s script -qec '%s' /dev/null < /dev/null"):format(no_color,
        command:gsub("'", "'\\''")))
      local output = pipe:read "*a"
      pipe:close()
      assert.equal(is_coloured, output:find("\27[31mfailed\27[0m attempt 1", 1, true) ~= nil, output)
    end
  end)

  it("verifies signatures with the secrets of an account", function()
    local local_api = assert(emulator.start { api_key = "k" })
    local child = start { "listen", "--port", "0", "--api-key", "k", "--base-url", local_api.url }
    local url = child:wait_for("Listening on (http://[%d.]+:%d+)")
    local client = apivideo.client { api_key = "k", base_url = local_api.url }
    assert(client.webhooks:create { url = url, events = { QUALITY } })
    local delivery = local_api:emit(apivideo.events:sample(QUALITY))[1]
    assert.is_true(local_api:settle(30))
    assert.equal("delivered", delivery.state)
    child:wait_for("verified 204")
    child:kill("TERM")
    assert.equal(0, child:wait())
    local_api:stop()
  end)
end)
