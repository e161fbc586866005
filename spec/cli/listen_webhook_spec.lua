local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local cjson = require "cjson"
local compile = require "spec.support.compile"
local core = require "apivideo.core"
local file = require "spec.support.file"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local listening = require "spec.support.listening"
local running = require "spec.support.running"
local tables = require "apivideo.util.tables"
local tls_front = require "spec.support.tls_front"
local wait_for = require "spec.support.wait"

local URL = "http://127.0.0.1:9/hooks" -- nothing is delivered to it
local TYPES = #apivideo.events:names() .. " types of events"

describe("command listen --public-url #process", function()
  local api, client, state

  before_each(function()
    api = running.emulator()
    client = apivideo.client { api_key = "key", base_url = api.url }
    state = running.directory()
  end)
  after_each(running.stop)

  local function start(...)
    return listening.start(state, "--api-key", "key", "--base-url", api.url, ...)
  end

  local function webhooks() return assert(client.webhooks:all()) end

  local function records() return compile.run("ls " .. state .. "/apivideo/listen 2> /dev/null || true") end

  it("creates a webhook, receives its deliveries through TLS, and deletes it at Ctrl-C", function()
    local authority = certificates.new()
    running.add(function() authority:remove() end)
    authority:issue("good", "IP:127.0.0.1")
    -- The local api.video of this process must trust the authority, as api.video trusts that of a tunnel.
    local request = http.request
    http.request = function(options, cancel)
      return request(tables.merge(options, { ca_file = authority:path "ca.crt" }), cancel)
    end
    running.add(function() http.request = request end)
    local port = free_port()
    local front = tls_front(authority, nil, port)
    local agent = running.serving(function()
      return "200 OK", "", cjson.encode { endpoints = { { url = "https://127.0.0.1:" .. front,
        upstream = { url = "http://localhost:" .. port } } } }
    end)
    local child = start("--port", tostring(port), "--public-url", "auto:" .. agent.port)
    local id = child:wait_for ("The webhook (webhook_%w+) sends " .. TYPES .. " to https://127%.0%.0%.1:%d+; ")
    local delivery = api:emit(apivideo.events:sample(listening.QUALITY))[1]
    assert.is_true(api:settle(30))
    assert.equal("delivered", delivery.state, delivery.attempts[1].err)
    child:wait_for("verified 204  video%.encoding%.quality%.completed ")
    assert.equal(id .. "\n", records())
    assert.equal(384, core.file_mode(state .. "/apivideo/listen/" .. id)) -- 0600
    assert.equal(448, core.file_mode(state .. "/apivideo/listen")) -- 0700
    assert.equal(0, select(2, running.finish(child, "INT")))
    assert.same({}, webhooks())
    assert.equal("", records())
  end)

  it("deletes what a killed process has left, at the next start, also with another URL or without one", function()
    for _, more in ipairs { { "--public-url", URL .. "/2" }, {} } do
      local child = start("--public-url", URL)
      local id = child:wait_for "The webhook (webhook_%w+) sends"
      running.finish(child, "KILL")
      assert.equal(id, webhooks()[1].webhookId)
      child = start((table.unpack or unpack)(more))
      child:wait_for("warning: deleted " .. id .. ", which an apivideo listen that was killed had left")
      if more[1] then child:wait_for "The webhook webhook_" end
      assert.equal(more[1] and 1 or 0, #webhooks())
      assert.equal(0, select(2, running.finish(child, "TERM")))
      assert.same({}, webhooks())
      assert.equal("", records())
    end
  end)

  it("uses the webhook again that a killed process has left for the same URL and events", function()
    local child = start("--public-url", URL)
    local id = child:wait_for "The webhook (webhook_%w+) sends"
    running.finish(child, "KILL")
    child = start("--public-url", URL)
    child:wait_for("The webhook " .. id .. " sends " .. TYPES .. " to [^\n]+; it is deleted at the end")
    assert.equal(1, #webhooks())
    running.finish(child, "INT")
    assert.same({}, webhooks())
  end)

  it("does not delete a webhook of another process that runs, nor one that it has not created", function()
    local other = assert(client.webhooks:create { url = URL, events = { "video.source.recorded" } })
    local first = start("--public-url", URL .. "/1")
    first:wait_for "The webhook webhook_"
    local second = start("--public-url", URL .. "/2")
    second:wait_for "The webhook webhook_"
    assert.equal(3, #webhooks())
    local third = start("--public-url", URL, "--events", "video.source.recorded")
    third:wait_for("The webhook " .. other.webhookId .. " sends video%.source%.recorded to [^\n]+; it existed before")
    for _, child in ipairs { third, second, first } do running.finish(child, "INT") end
    assert.equal(other.webhookId, webhooks()[1].webhookId)
    assert.equal(1, #webhooks())
  end)

  it("takes a record of a process whose id another program has by now for one that was left", function()
    local child = start("--public-url", URL)
    local id = child:wait_for "The webhook (webhook_%w+) sends"
    running.finish(child, "KILL")
    local path = state .. "/apivideo/listen/" .. id
    file.write(path, (file.read(path):gsub('"pid":%d+', '"pid":' .. core.process_id())))
    child = start()
    child:wait_for("deleted " .. id)
    running.finish(child, "INT")
  end)

  it("deletes the webhook even if the signal comes while it is created", function()
    api:fault { on = "POST /webhooks", latency = 0.5 }
    local child = start("--public-url", URL)
    wait_for(function()
      local last = api.requests[#api.requests]
      return last and last.method == "POST"
    end, "the request")
    assert.is_nil(child:output():find("The webhook", 1, true))
    child:kill "INT"
    local _, status = child:finish()
    assert.equal(0, status)
    assert.same({}, webhooks())
  end)

  it("says that the webhook remains if it cannot be deleted, and deletes it at the next start", function()
    local child = start("--public-url", URL)
    local id = child:wait_for "The webhook (webhook_%w+) sends"
    api:fault { on = "DELETE /webhooks/.+", status = 403 }
    local output, status = running.finish(child, "INT")
    assert.equal(1, status)
    assert.truthy(output:find("apivideo: cannot delete " .. id .. ": api.video: forbidden (403)", 1, true), output)
    child = start()
    child:wait_for("deleted " .. id)
  end)

  it("says what to do at the limit of an account", function()
    for i = 1, 10 do assert(client.webhooks:create { url = URL .. i, events = { "video.source.recorded" } }) end
    local output, status = listening.run { "--port", "0", "--api-key", "key", "--base-url", api.url, "--public-url",
      URL }
    assert.equal(1, status)
    assert.truthy(output:find("the account has 10 webhooks: delete one that is not needed (apivideo webhooks list,", 1,
      true), output)
  end)

  it("rejects a URL that api.video cannot reach before anything is created", function()
    local public_webhook = require "apivideo.cli.listen.public_webhook"
    local webhook, problem = public_webhook.open(apivideo.client { api_key = "k" }, {}, { url = URL, events = { "x" } })
    assert.is_nil(webhook)
    assert.equal("--public-url: api.video cannot reach 127.0.0.1, a loopback address; use the URL of a tunnel to this"
      .. " machine, or auto", problem)
  end)
end)
