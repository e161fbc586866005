-- Deliveries to a real nginx.

local apivideo = require "apivideo"
local cjson = require "cjson"
local free_port = require "spec.support.free_port"
local emulator = require "apivideo.emulator"
local h2 = require "spec.support.h2"
local nginx_lua = require "spec.support.nginx_lua"
local raw_client = require "spec.support.raw"
local wait_for = require "spec.support.wait"

local SECRET, ID = "sig_sec_0000000000000000000000", "webhook_0000000000000000000000"
local MAX_BODY = 20000

-- An application. Its handlers count events in a dictionary, by the video's id.
local APP = [[
local apivideo = require "apivideo"
local seen = ngx.shared.seen
local app = { client = apivideo.client { api_key = "test-key", base_url = "@api@", retries = 0 } }

app.handlers = apivideo.handlers()
app.handlers:on("video.encoding.quality.completed", function(event, delivery)
  assert(delivery.verified and delivery.webhookId and #delivery.raw > 0)
  seen:incr("worker " .. ngx.worker.pid(), 1, 0)
  seen:incr(event.videoId, 1, 0)
end)
app.handlers:on("video.caption.generated", function() error("it broke", 0) end)
app.handlers:on("video.summary.generated", function(event)
  if event.summaryId == "sleep" then
    ngx.sleep(0.01)
  elseif event.summaryId == "client" then
    assert(app.client.webhooks:list())
  elseif event.summaryId == "socket" then
    local socket = ngx.socket.tcp()
    assert(socket:connect("127.0.0.1", ngx.var.server_port))
    assert(socket:send("GET /seen HTTP/1.0\r\n\r\n"))
    assert(socket:receive("*l"):find("200"))
    socket:close()
  elseif event.summaryId == "gate" then
    seen:incr("waiting " .. event.videoId, 1, 0)
    while not seen:get("gate") do ngx.sleep(0.005) end
  end
  seen:incr(event.videoId, 1, 0)
end)

function app.seen()
  local all = {}
  for _, key in ipairs(seen:get_keys(0)) do all[key] = seen:get(key) end
  ngx.say(require("cjson").encode(all))
end
]]

local SIMPLE = APP .. [[
app.receiver = apivideo.receiver { handlers = app.handlers, secrets = { @id@ = "@secret@" }, max_body = @max@ }
return app
]]

-- The same with shared dictionaries of its workers.
local SHARED = APP .. [[
local shared = ngx.shared.apivideo
app.receiver = apivideo.receiver {
  handlers = app.handlers, metrics = { store = shared },
  secrets = app.client.webhooks:secrets { store = shared, ttl = @ttl@, miss_ttl = 60 },
}
return app
]]

local DEFERRED = APP .. [[
app.receiver = apivideo.receiver { handlers = app.handlers, secrets = "@secret@", defer = true }
return app
]]

local SERVER = [[
client_max_body_size 1m;
client_body_timeout 10s;
location = /webhooks { content_by_lua_block { require("app").receiver:nginx() } }
location = /file { client_body_buffer_size 16; content_by_lua_block { require("app").receiver:nginx() } }
location = /always_file { client_body_in_file_only clean; content_by_lua_block { require("app").receiver:nginx() } }
location = /abort { lua_check_client_abort on; content_by_lua_block { require("app").receiver:nginx() } }
location = /access { access_by_lua_block { require("app").receiver:nginx() } content_by_lua_block { ngx.exit(500) } }
location = /rewrite { rewrite_by_lua_block { require("app").receiver:nginx() } content_by_lua_block { ngx.exit(500) } }
location = /seen { content_by_lua_block { require("app").seen() } }
location = /gate { content_by_lua_block { ngx.shared.seen:set("gate", true) } }
location = /close_gate { content_by_lua_block { ngx.shared.seen:delete("gate") } }
location = /metrics { content_by_lua_block { ngx.print(require("app").receiver:metrics()) } }
]]

local function filled(text, values)
  return (text:gsub("@(%w+)@", function(name) return values[name] end))
end

local count = 0

-- A body with a unique id.
local function new_body(more)
  count = count + 1
  local event = apivideo.events:sample(more and more.type or "video.encoding.quality.completed")
  event.videoId = "vi" .. count
  for name, value in pairs(more or {}) do event[name] = value end
  return cjson.encode(event), event.videoId
end

local function headers_of(body, id, secret)
  return { "Content-Type: application/json", "X-Api-Video-WebhookID: " .. (id or ID),
    "X-Api-Video-Signature: " .. apivideo.sign(body, secret or SECRET) }
end

local function post(nginx, path, body, headers)
  local response = assert(nginx:request(path, { method = "POST", body = body, headers = headers or headers_of(body) }))
  assert.equal("", response.body)
  return response.status, response
end

local function seen(nginx, key)
  local all = cjson.decode(nginx:get "/seen")
  if key then return all[key] or 0 end
  return all
end

-- The bytes of a POST, for a raw client.
local function bytes_of(path, headers, body)
  return ("POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s"):format(path, table.concat(headers, "\r\n"), body)
end

local function chunked(body)
  local parts = {}
  for piece in body:gmatch(("."):rep(100)) do parts[#parts + 1] = "64\r\n" .. piece .. "\r\n" end
  local rest = body:sub(#parts * 100 + 1)
  if rest ~= "" then parts[#parts + 1] = ("%x\r\n%s\r\n"):format(#rest, rest) end
  return table.concat(parts) .. "0\r\n\r\n"
end

local function chunked_bytes(path, body)
  local headers = headers_of(body)
  headers[#headers + 1] = "Transfer-Encoding: chunked"
  return bytes_of(path, headers, chunked(body))
end

local missing = nginx_lua.missing()
local describe_nginx = missing and function(name) pending(name .. ": " .. missing) end or describe

describe_nginx("receiver in nginx #process", function()
  local nginx, running = nil, {}

  before_each(function() running = {} end)

  after_each(function()
    for _, other in ipairs(running) do other:stop() end
  end)

  local function start(app, more)
    local given = {
      http = "lua_shared_dict seen 1m; lua_shared_dict apivideo 1m;" .. (more and more.http or ""),
      server = SERVER,
      files = { ["app.lua"] = filled(app, {
        id = ID, secret = SECRET, max = MAX_BODY, api = more and more.api or "http://x", ttl = more and more.ttl or 300,
      }) },
    }
    for _, name in ipairs { "workers", "code_cache", "listen", "server" } do
      given[name] = more and more[name] or given[name]
    end
    local started = nginx_lua.start(given)
    running[#running + 1] = started
    return started
  end

  local cases = {
    { workers = 1, code_cache = "on" }, { workers = 2, code_cache = "off", listen = "reuseport" },
    { workers = 2, code_cache = "on", listen = "reuseport" }, { workers = 1, code_cache = "off" },
  }
  for place = 1, os.getenv "APIVIDEO_SLOW" and 2 or 4 do
    local case = cases[place]
    describe(("(%d workers, code cache %s)"):format(case.workers, case.code_cache), function()
      setup(function() nginx = start(SIMPLE, case) end)
      teardown(function() nginx:stop() end)

      it("passes each delivery to its handlers once, and responds 204", function()
        local ids = {}
        for i = 1, 20 do
          local body, id = new_body()
          ids[i] = id
          local status, response = post(nginx, "/webhooks", body)
          assert.equal(204, status)
          assert.is_nil(response.headers["content-length"])
        end
        local all = seen(nginx)
        for _, id in ipairs(ids) do assert.equal(1, all[id]) end
      end)

      it("accepts bodies that nginx stores in a file, and chunked ones", function()
        for _, path in ipairs { "/file", "/always_file", "/webhooks" } do
          local body, id = new_body { title = ("x"):rep(15000) }
          assert.equal(204, post(nginx, path, body))
          assert.equal(1, seen(nginx, id))
          body, id = new_body { title = ("x"):rep(5000) }
          assert.equal(204, (raw_client.exchange(nginx.port, chunked_bytes(path, body))))
          assert.equal(1, seen(nginx, id))
        end
      end)

      it("rejects forged deliveries, and only the log has the reason", function()
        local body, id = new_body()
        local forged = headers_of(body, ID, "sig_sec_another")
        assert.equal(401, post(nginx, "/webhooks", body, forged))
        assert.equal(401, post(nginx, "/webhooks", body, {}))
        assert.equal(401, post(nginx, "/webhooks", "", forged))
        assert.equal(400, post(nginx, "/webhooks", ""))
        assert.equal(400, post(nginx, "/webhooks", "{}"))
        assert.equal(0, seen(nginx, id))
        wait_for(function()
          return nginx:log():find("[warn]", 1, true) and nginx:log():find("apivideo: rejected with 401: signature:"
            .. " bad_signature: signature mismatch", 1, true)
        end, "the log")
        assert.is_nil(nginx:log():find(SECRET, 1, true))
      end)

      it("reads each of many headers", function()
        local body, id = new_body()
        local headers = headers_of(body)
        for i = 1, 150 do table.insert(headers, 1, "X-Other-" .. i .. ": x") end
        assert.equal(204, post(nginx, "/webhooks", body, headers))
        assert.equal(1, seen(nginx, id))
        for _, repeated in ipairs { 2, 3 } do
          local more = headers_of(body)
          for i = 1, 150 do more[#more + 1] = "X-Other-" .. i .. ": x" end
          more[#more + 1] = more[repeated]
          assert.equal(401, post(nginx, "/webhooks", body, more))
          more[#more] = more[repeated]:upper()
          assert.equal(401, post(nginx, "/webhooks", body, more))
        end
        assert.equal(1, seen(nginx, id))
      end)

      it("rejects other methods, and keeps the connection open", function()
        local body, id = new_body()
        local connection = raw_client.connect(nginx.port)
        for _, method in ipairs { "GET", "PUT", "DELETE" } do
          local long = ("x"):rep(50000)
          connection:send((bytes_of("/webhooks", { "Content-Length: " .. #long }, long):gsub("^POST", method)))
          local status, response_body, head = connection:read()
          assert.equal(405, status)
          assert.equal("", response_body)
          assert.truthy(head:find("\r\nAllow: POST\r\n", 1, true))
        end
        local headers = headers_of(body)
        headers[#headers + 1] = "Content-Length: " .. #body
        connection:send(bytes_of("/webhooks", headers, body))
        assert.equal(204, (connection:read()))
        connection:close()
        assert.equal(1, seen(nginx, id))
      end)

      it("rejects bodies that are too large, without reading those with a content-length header", function()
        local body = new_body { title = ("x"):rep(MAX_BODY) }
        for _, path in ipairs { "/webhooks", "/file" } do
          assert.equal(413, post(nginx, path, body))
          assert.equal(413, (raw_client.exchange(nginx.port, chunked_bytes(path, body))))
          local headers = headers_of(body)
          headers[#headers + 1] = "Content-Length: 1000000"
          assert.equal(413, (raw_client.exchange(nginx.port, bytes_of(path, headers, ""))))
        end
        local exact = new_body()
        exact = exact .. (" "):rep(MAX_BODY - #exact)
        assert.equal(204, post(nginx, "/webhooks", exact))
        assert.equal(413, post(nginx, "/webhooks", exact .. " "))
      end)

      it("responds 500 if a handler fails", function()
        assert.equal(500, post(nginx, "/webhooks", (new_body { type = "video.caption.generated" })))
        wait_for(function()
          return nginx:log():find("%[error%][^\n]*apivideo: a handler of video%.caption%.generated failed: it broke")
        end, "the log")
      end)

      it("lets handlers wait", function()
        for _, how in ipairs { "sleep", "socket" } do
          local body, id = new_body { type = "video.summary.generated", summaryId = how }
          assert.equal(204, post(nginx, "/webhooks", body))
          assert.equal(1, seen(nginx, id))
        end
      end)

      it("works in the phases rewrite and access, too", function()
        for _, path in ipairs { "/rewrite", "/access" } do
          local body, id = new_body()
          assert.equal(204, post(nginx, path, body))
          assert.equal(1, seen(nginx, id))
          assert.equal(401, post(nginx, path, body, {}))
        end
      end)
    end)
  end

  it("returns the response, and sends nothing, with respond = false", function()
    nginx = start(SIMPLE, { server = SERVER .. [[
      location = /own { content_by_lua_block {
        local status, headers, body = require("app").receiver:nginx { respond = false }
        ngx.status = 200
        ngx.say(status, " ", headers.Allow or "-", " ", #body)
      } }
      location = /captured { content_by_lua_block {
        ngx.req.read_body()
        local response = ngx.location.capture("/webhooks", { method = ngx.HTTP_POST, always_forward_body = true })
        ngx.say(response.status)
      } }
    ]] })
    local body, id = new_body()
    local function answer_to(path, more)
      local request = { method = "POST", body = body, headers = headers_of(body) }
      for name, value in pairs(more or {}) do request[name] = value end
      return assert(nginx:request(path, request)).body
    end
    assert.equal("204 - 0\n", answer_to "/own")
    assert.equal("401 - 0\n", answer_to("/own", { headers = {} }))
    assert.equal("413 - 0\n", answer_to("/own", { body = ("x"):rep(MAX_BODY + 1) }))
    assert.equal("405 POST 0\n", answer_to("/own", { method = "GET", body = nil }))
    assert.equal(1, seen(nginx, id))
    assert.equal("204\n", answer_to "/captured")
    assert.equal(2, seen(nginx, id))
  end)

  it("raises with a remedy where it cannot work", function()
    nginx = start(SIMPLE, { server = SERVER .. [[
      location = /log { return 204; log_by_lua_block { require("app").receiver:nginx() } }
      location = /header { return 204; header_filter_by_lua_block { require("app").receiver:nginx() } }
      location = /timer { content_by_lua_block { ngx.timer.at(0, function() require("app").receiver:nginx() end) } }
      location = /dot { content_by_lua_block { require("app").receiver.nginx() } }
      location = /option { content_by_lua_block { require("app").receiver:nginx { respnd = false } } }
    ]] })
    for path, expected in pairs {
      ["/log"] = "log_by_lua.-:1: receiver:nginx: nginx has no request body in its phase log;"
        .. " use content_by_lua_block",
      ["/header"] = "header_filter_by_lua.-:1: receiver:nginx: .- in its phase header_filter; use content_by_lua_block",
      ["/timer"] = "content_by_lua.-:1: receiver:nginx: .- in its phase timer; use content_by_lua_block",
      ["/dot"] = "content_by_lua.-:1: receiver:nginx: call it with a colon, receiver:nginx%(",
      ["/option"] = 'content_by_lua.-:1: receiver:nginx: unknown option "respnd"; did you mean "respond"%?',
    } do
      nginx:request(path)
      wait_for(function() return nginx:log():find(expected) end, expected)
    end
  end)

  it("responds to a health check without a line in its log", function()
    nginx = start((SIMPLE:gsub("max_body =", 'health = "/health", max_body =')), { server = SERVER
      .. 'location /health { content_by_lua_block { require("app").receiver:nginx() } }' })
    for _, method in ipairs { "GET", "HEAD" } do
      local response = assert(nginx:request("/health?probe=1", { method = method }))
      assert.equal(200, response.status)
      assert.equal("", response.body)
    end
    assert.equal(405, assert(nginx:request("/health/other", { method = "GET" })).status)
    wait_for(function() return nginx:log():find("rejected with 405", 1, true) end, "the line of the other request")
    local _, lines = nginx:log():gsub("apivideo: ", "")
    assert.equal(1, lines)
    assert.truthy(nginx:get("/metrics"):find("apivideo_deliveries_received_total 1\n", 1, true))
  end)

  it("handles an event although the client has closed the connection", function()
    nginx = start(SIMPLE)
    for _, path in ipairs { "/webhooks", "/abort" } do
      local body, id = new_body { type = "video.summary.generated", summaryId = "gate" }
      local headers = headers_of(body)
      headers[#headers + 1] = "Content-Length: " .. #body
      local connection = raw_client.connect(nginx.port)
      connection:send(bytes_of(path, headers, body))
      wait_for(function() return seen(nginx, "waiting " .. id) == 1 end, "the handler")
      connection:close()
      -- After another request, nginx has noticed it.
      nginx:get "/seen"
      nginx:get "/gate"
      wait_for(function() return seen(nginx, id) == 1 end, "the event of a client that left")
      nginx:get "/close_gate"
    end
  end)

  it("accepts HTTP/2, also bodies without a content-length header", function()
    local port = free_port()
    nginx = start(SIMPLE, { http = ("server { listen 127.0.0.1:%d http2; %s }"):format(port, SERVER) })
    local body, id = new_body()
    local pieces = { body:sub(1, 50), body:sub(51) }
    local headers = headers_of(body)
    assert.equal(204, h2.post(port, "/webhooks", headers, pieces))
    assert.equal(204, h2.post(port, "/file", headers, pieces))
    headers[#headers + 1] = "Content-Length: " .. #body
    assert.equal(204, h2.post(port, "/webhooks", headers, pieces))
    headers[#headers + 1] = headers[2]
    assert.equal(401, h2.post(port, "/webhooks", headers, pieces))
    local large = {}
    for i = 1, MAX_BODY / 10000 + 1 do large[i] = ("x"):rep(10000) end
    assert.equal(413, h2.post(port, "/webhooks", headers_of "", large))
    assert.equal(3, seen(nginx, id))
  end)

  for _, code_cache in ipairs { "on", "off" } do
    it("responds before deferred handlers run (code cache " .. code_cache .. ")", function()
      nginx = start(DEFERRED, { code_cache = code_cache })
      local ids = {}
      for i = 1, 10 do
        local body, id = new_body { type = "video.summary.generated", summaryId = "gate" }
        ids[i] = id
        assert.equal(204, post(nginx, "/webhooks", body))
      end
      assert.equal(401, post(nginx, "/webhooks", "{}", {}))
      assert.equal(204, post(nginx, "/webhooks", (new_body { type = "video.caption.generated" })))
      for _, id in ipairs(ids) do assert.equal(0, seen(nginx, id)) end
      nginx:get "/gate"
      wait_for(function()
        local all = seen(nginx)
        for _, id in ipairs(ids) do
          if all[id] ~= 1 then return false end
        end
        return true
      end, "the handlers")
      wait_for(function()
        return nginx:log():find("%[error%][^\n]*a handler of video%.caption%.generated failed: it broke")
      end, "the log")
    end)
  end

  it("runs all deferred handlers, once, with few timers", function()
    nginx = start(DEFERRED, { http = "lua_max_running_timers 4; lua_max_pending_timers 8;" })
    local ids, left = {}, 40
    apivideo.run(function()
      for i = 1, left do
        local body, id = new_body { type = "video.summary.generated", summaryId = "gate" }
        ids[i] = id
        apivideo.spawn(function()
          assert.equal(204, post(nginx, "/webhooks", body))
          left = left - 1
        end)
      end
      wait_for(function()
        local waiting = 0
        for key in pairs(seen(nginx)) do waiting = waiting + (key:find("^waiting") and 1 or 0) end
        return waiting >= 4
      end, "handlers at work")
      nginx:get "/gate"
      wait_for(function() return left == 0 end, "the responses")
    end)
    wait_for(function()
      local all = seen(nginx)
      for _, id in ipairs(ids) do
        if all[id] ~= 1 then return false end
      end
      return true
    end, "the handlers")
  end)

  it("counts for all workers together", function()
    local app = SHARED:gsub("app%.client%.webhooks:secrets %b{}", '"@secret@"')
    nginx = start(app, { workers = 2, listen = "reuseport" })
    local function deliver() return post(nginx, "/webhooks", (new_body())) end
    apivideo.run(function() apivideo.parallel(20, ("x"):rep(40):gmatch("."), deliver) end)
    local workers = 0
    for key in pairs(seen(nginx)) do
      if key:find("^worker") then workers = workers + 1 end
    end
    assert.equal(2, workers)
    assert.equal(401, post(nginx, "/webhooks", "{}", {}))
    assert.equal(500, post(nginx, "/webhooks", (new_body { type = "video.caption.generated" })))
    for _ = 1, 10 do
      local text = nginx:get "/metrics"
      for _, expected in ipairs {
        "apivideo_deliveries_received_total 42", 'handled_total{type="video.encoding.quality.completed"} 40',
        'failed_total{type="video.caption.generated"} 1', 'rejected_total{reason="bad_signature"} 1',
        'apivideo_delivery_seconds_bucket{le="+Inf"} 41', "apivideo_delivery_seconds_count 41",
      } do
        assert.truthy(text:find(expected .. "\n", 1, true), expected .. " in\n" .. text)
      end
    end
  end)

  describe("with api.video's secrets", function()
    local local_api, webhook

    before_each(function()
      local_api = assert(emulator.start { api_key = "test-key", attempts = 1 })
      running[#running + 1] = local_api
      local client = apivideo.client { api_key = "test-key", base_url = local_api.url }
      webhook = assert(client.webhooks:create { url = "http://127.0.0.1:1/", events = apivideo.events:names() })
    end)

    local function start_shared(more)
      local given = { api = local_api.url, workers = 2, listen = "reuseport" }
      for name, value in pairs(more or {}) do given[name] = value end
      nginx = start(SHARED, given)
    end

    local function lookups(id)
      local lookups_of_id = 0
      for _, request in ipairs(local_api.requests) do
        if request.method == "GET" and (request.path == "/webhooks/" .. id or id == "*") then
          lookups_of_id = lookups_of_id + 1
        end
      end
      return lookups_of_id
    end

    local function deliver(id, secret)
      local body = new_body()
      id, secret = id or webhook.webhookId, secret or webhook.signatureSecret
      return post(nginx, "/webhooks", body, headers_of(body, id, secret))
    end

    -- Delivers many events at once; the number of responses by status.
    local function deliver_many(n, id_of)
      local items, statuses = {}, {}
      for i = 1, n do items[i] = i end
      apivideo.run(function()
        local all, errs = apivideo.parallel(n, items, function(i) return (deliver(id_of and id_of(i))) end)
        assert.is_nil(errs)
        for _, status in pairs(all) do statuses[status] = (statuses[status] or 0) + 1 end
      end)
      return statuses
    end

    for _, code_cache in ipairs { "on", "off" } do
      it("requests a secret once for many deliveries (code cache " .. code_cache .. ")", function()
        start_shared { code_cache = code_cache }
        local_api:fault { latency = 0.2, on = "GET /webhooks/.*" }
        assert.same({ [204] = 40 }, deliver_many(40))
        assert.equal(1, lookups(webhook.webhookId))
        assert.same({ [204] = 10 }, deliver_many(10))
        assert.equal(1, lookups(webhook.webhookId))
      end)
    end

    it("requests the secret of an unknown id once", function()
      start_shared()
      assert.same({ [401] = 20 }, deliver_many(20, function() return "webhook_nowhere" end))
      assert.equal(1, lookups "webhook_nowhere")
    end)

    it("continues to accept deliveries while api.video is unavailable", function()
      start_shared { ttl = 0 }
      assert.equal(204, deliver())
      local_api:stop()
      for _ = 1, 10 do assert.equal(204, deliver()) end
      assert.same({ [204] = 10 }, deliver_many(10))
      assert.equal(503, deliver "webhook_nowhere")
    end)

    it("responds 401 to ids that are names of internal counters, and never raises", function()
      start_shared()
      assert.equal(401, deliver "webhook_nowhere")
      for _, id in ipairs { "lookups", "questions", "again:webhook_nowhere", "asking:webhook_nowhere", "count:lookups",
        "id:webhook_nowhere", "webhook_", ("w"):rep(4000), "" } do
        assert.equal(401, deliver(id))
      end
      local body = new_body()
      local headers = headers_of(body, "a", webhook.signatureSecret)
      headers[#headers + 1] = "X-Api-Video-WebhookID: b"
      assert.equal(401, post(nginx, "/webhooks", body, headers))
      assert.equal(204, deliver())
      assert.is_nil(nginx:log():find("traceback", 1, true))
      assert.is_nil(nginx:log():find("runtime error", 1, true))
    end)

    it("requests the secrets of a few unknown ids per minute", function()
      start_shared()
      local statuses = deliver_many(30, function(i) return "webhook_forged" .. i end)
      assert.same({ [401] = 20, [503] = 10 }, statuses)
      assert.equal(20, lookups "*")
      assert.equal(503, deliver())
    end)

    it("accepts deliveries of known ids during a flood of unknown ones", function()
      start_shared { ttl = 0 }
      assert.equal(204, deliver())
      deliver_many(30, function(i) return "webhook_forged" .. i end)
      assert.equal(204, deliver())
    end)

    it("lets handlers call api.video", function()
      start_shared()
      local body, id = new_body { type = "video.summary.generated", summaryId = "client" }
      assert.equal(204, post(nginx, "/webhooks", body, headers_of(body, webhook.webhookId, webhook.signatureSecret)))
      assert.equal(1, seen(nginx, id))
    end)

    it("accepts deliveries of the emulator", function()
      start_shared()
      local client = apivideo.client { api_key = "test-key", base_url = local_api.url }
      assert(client.webhooks:delete(webhook.webhookId))
      assert(client.webhooks:create { url = nginx.url .. "/webhooks", events = apivideo.events:names() })
      local event = apivideo.events:sample "video.encoding.quality.completed"
      local deliveries = local_api:emit(event)
      assert.is_true(local_api:settle(30))
      assert.equal("delivered", deliveries[1].state)
      assert.equal(1, seen(nginx, event.videoId))
    end)
  end)
end)
