-- Programs as users write them: each is short, runs as it is, and does what it says.

local apivideo = require "apivideo"
local count = require "spec.support.count"
local file = require "spec.support.file"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local lfs = require "lfs"
local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local running = require "spec.support.running"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"

local FOLDER, SECRET = "spec/usage/", "sig_sec_0000000000000000000000"
local RECORDED, QUALITY = "video.source.recorded", "video.encoding.quality.completed"
local LINES_MAX = 24

-- Lapis is in no package of Debian. This stand-in has what its applications call, and Lapis's call in nginx.conf.
local LAPIS = [[
  local lapis = {}
  function lapis.Application()
    local routes = {}
    return { routes = routes, post = function(_, path, fn) routes["POST " .. path] = fn end }
  end
  function lapis.serve(name)
    local result = require(name).routes[ngx.req.get_method() .. " " .. ngx.var.uri]()
    ngx.status = result.status
    ngx.eof()
  end
  return lapis
]]

describe("the program of a user #process", function()
  local port

  before_each(function() port = free_port() end)

  after_each(running.stop)

  -- Starts a program with variables of its environment. It is killed after the test, unless it has ended.
  local function start(name, variables, argument)
    local words = { ("WEBHOOK_SECRET=%s PORT=%d"):format(SECRET, port) }
    for variable, value in pairs(variables or {}) do words[#words + 1] = variable .. "=" .. value end
    return running.process({ FOLDER .. name .. ".lua", argument }, table.concat(words, " "))
  end

  -- Ends a program with a signal. Returns its output.
  local function stop(child, signal)
    local output, status = running.finish(child, signal)
    assert.equal(0, status, output)
    return output
  end

  -- Sends a delivery to a path of the program. Returns the status of the response.
  local function post(delivery, path)
    local lines = {}
    for name, value in pairs(delivery.headers) do lines[#lines + 1] = name .. ": " .. value end
    local request = { method = "POST", url = ("http://127.0.0.1:%d%s"):format(port, path or "/webhooks"),
      headers = lines, body = delivery.body, timeout = 30 }
    local response = wait_for(function() return (http.request(request)) end, "a response")
    return response.status
  end

  -- Sends an event with a signature that is valid, and one with a forged one.
  local function check(type_name, fields)
    assert.equal(204, post(testing.delivery(type_name, fields, SECRET)))
    assert.equal(401, post(testing.delivery(type_name, fields, "another secret")))
  end

  local function client_of(api)
    return apivideo.client { api_key = "key", base_url = api.url }
  end

  -- Emits an event from the local api.video, and waits until the deliveries have ended.
  local function emit(api, type_name, fields)
    local delivery = testing.delivery(type_name, fields)
    local deliveries = api:emit(delivery.body)
    assert.is_true(api:settle(60))
    for _, each in ipairs(deliveries) do assert.equal("delivered", each.state) end
    return #deliveries
  end

  it("has fewer than 25 lines", function()
    local names = 0
    for name in lfs.dir(FOLDER) do
      if name:find "^[^.]" and name ~= "usage_spec.lua" then
        local _, lines = file.read(FOLDER .. name):gsub("\n", "")
        assert(lines <= LINES_MAX, ("%s has %d lines"):format(name, lines))
        names = names + 1
      end
    end
    assert.equal(10, names)
  end)

  it("nginx.conf handles a delivery with a call of api.video, and rejects a forged one", function()
    if nginx_lua.missing() then return pending(nginx_lua.missing()) end
    local api = running.emulator()
    local nginx = nginx_lua.start { config = file.read(FOLDER .. "nginx.conf"):gsub("8080", "@port@"),
      environment = "APIVIDEO_API_KEY=key APIVIDEO_BASE_URL=" .. api.url }
    running.add(function() nginx:stop() end)
    port = nginx.port
    api:put_video { videoId = "vi1", title = "Evening news" }
    assert(client_of(api).webhooks:create { url = nginx.url .. "/webhooks", events = { RECORDED } })
    assert.equal(1, emit(api, RECORDED, { videoId = "vi1" }))
    assert.matches("Evening news is recorded", nginx:log(), 1, true)
    assert.equal(401, post(testing.delivery(RECORDED, nil, SECRET)))
  end)

  it("lapis.lua handles a delivery, and rejects a forged one", function()
    if nginx_lua.missing() then return pending(nginx_lua.missing()) end
    local nginx = nginx_lua.start { main = "env WEBHOOK_SECRET;", environment = "WEBHOOK_SECRET=" .. SECRET,
      server = 'location / { content_by_lua_block { require("lapis").serve "app" } }',
      files = { ["app.lua"] = file.read(FOLDER .. "lapis.lua"), ["lapis.lua"] = LAPIS } }
    running.add(function() nginx:stop() end)
    port = nginx.port
    check("video.caption.generated", { videoId = "vi1", language = "en" })
    assert.matches("video vi1 has captions in en", nginx:log(), 1, true)
  end)

  it("script.lua prints the videos that are ready, until it is stopped", function()
    local child = start "script"
    check(QUALITY, { encoding = "mp4", quality = "720p", videoId = "vi1" })
    check(QUALITY, { encoding = "hls", videoId = "vi2" })
    check("live-stream.broadcast.started", { liveStreamId = "li1" })
    local output = stop(child, "INT")
    assert.matches("video vi1 is ready as 720p\n", output, 1, true)
    assert.matches("live-stream.broadcast.started\tli1\n", output, 1, true)
    assert.is_nil(output:find("video vi2", 1, true)) -- the log has its id
  end)

  it("worker.lua receives in one process and works in others, with retries", function()
    local path = os.tmpname()
    running.add(function()
      for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
    end)
    local receiver = start("worker", { INBOX = path }, "receive")
    for i = 1, 5 do check(RECORDED, { videoId = "vi" .. i }) end
    stop(receiver, "TERM")
    local workers = { start("worker", { INBOX = path }, "work"), start("worker", { INBOX = path }, "work") }
    wait_for(function() return count(workers[1]:output() .. workers[2]:output(), "attempt 2\n") == 5 end, "the retries")
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    running.add(function() inbox:close() end)
    wait_for(function() return inbox:stats().done == 5 end, "all events")
    for _, worker in ipairs(workers) do stop(worker, "TERM") end
  end)

  it("sync_at_start.lua creates its webhook once, and handles its events", function()
    local api = running.emulator()
    for i = 1, 2 do
      local child = start("sync_at_start", { APIVIDEO_API_KEY = "key", APIVIDEO_BASE_URL = api.url,
        PUBLIC_URL = ("http://127.0.0.1:%d/webhooks"):format(port) })
      wait_for(function() return child:output() ~= "" end, "the sync")
      assert.equal(1, emit(api, "live-stream.broadcast.started", { liveStreamId = "li" .. i }))
      assert.equal(0, emit(api, RECORDED))
      assert.equal(401, post(testing.delivery(RECORDED, nil, "another secret")))
      assert.matches(("li%d is on air\n"):format(i), stop(child, "TERM"), 1, true)
    end
    assert.equal(1, #client_of(api).webhooks:all())
  end)

  it("rotation.lua replaces each webhook, and no delivery is lost", function()
    local api = running.emulator()
    local client, seen, old = client_of(api), 0, {}
    local listening = assert(apivideo.server.listen { receiver = apivideo.receiver {
      handlers = apivideo.handlers():otherwise(function() seen = seen + 1 end),
      secrets = client.webhooks:secret_source(),
    } })
    running.add(function() listening:stop() end)
    for i = 1, 2 do
      local webhook = assert(client.webhooks:create { url = ("%s/%d"):format(listening.url, i), events = { RECORDED } })
      old[i] = webhook.webhookId
    end
    local child = start("rotation", { APIVIDEO_API_KEY = "key", APIVIDEO_BASE_URL = api.url }, "0.2")
    local emitted = 0
    wait_for(function()
      emitted = emitted + emit(api, RECORDED, { videoId = "vi" .. emitted })
      return count(child:output(), "replaces") == 2
    end, "the rotation")
    assert.equal(0, child:wait())
    emitted = emitted + emit(api, RECORDED)
    assert.equal(emitted, seen)
    assert.equal(2, #client.webhooks:all())
    for _, id in ipairs(old) do assert.equal("not_found", select(2, client.webhooks:get(id)).kind) end
  end)

  it("tests.lua passes in busted", function()
    local pipe = io.popen "command -v busted"
    local output, status = process.run { pipe:read "*l", "--output=plainTerminal", FOLDER .. "tests.lua" }
    pipe:close()
    assert.equal(0, status, output)
    assert.matches("2 successes / 0 failures / 0 errors", output, 1, true)
  end)

  it("accounts.lua verifies the deliveries of each account with its own secrets", function()
    local apis = { production = running.emulator(), sandbox = running.emulator() }
    local child = start("accounts", { PRODUCTION_KEY = "key", PRODUCTION_URL = apis.production.url,
      SANDBOX_KEY = "key", SANDBOX_URL = apis.sandbox.url })
    assert.equal(404, post(testing.delivery(RECORDED, nil, SECRET), "/"))
    local secrets = {}
    for name, api in pairs(apis) do
      local url = ("http://127.0.0.1:%d/%s"):format(port, name)
      secrets[name] = assert(client_of(api).webhooks:create { url = url, events = { RECORDED } }).signatureSecret
    end
    for name, api in pairs(apis) do
      assert.equal(1, emit(api, RECORDED, { videoId = "vi_" .. name }))
      local other = name == "sandbox" and "production" or "sandbox"
      assert.equal(401, post(testing.delivery(RECORDED, nil, secrets[other]), "/" .. name))
    end
    local output = stop(child, "TERM")
    for name in pairs(apis) do
      assert.equal(1, count(output, ("%s\t%s\tvi_%s\n"):format(name, RECORDED, name)), output)
    end
  end)

  it("dedupe.lua handles a repeated delivery once", function()
    local child, delivery = start "dedupe", testing.delivery(RECORDED, { videoId = "vi1" }, SECRET)
    for _ = 1, 3 do assert.equal(204, post(delivery)) end
    check(RECORDED, { videoId = "vi2" })
    local output = stop(child, "TERM")
    assert.equal(1, count(output, "recorded vi1\n"))
    assert.equal(1, count(output, "recorded vi2\n"))
  end)

  it("construct_event.lua verifies in a route of its own", function()
    local child = start "construct_event"
    check(RECORDED, { videoId = "vi1" })
    assert.equal(200, post(testing.delivery(RECORDED), "/"))
    local output = stop(child, "TERM")
    assert.matches(RECORDED .. "\tvi1\t", output, 1, true)
    assert.equal(1, count(output, "rejected: signature: "), output)
  end)
end)
