-- Deliveries to a real nginx.

local apivideo = require "apivideo"
local free_port = require "spec.support.free_port"
local h2 = require "spec.support.h2"
local nginx_receiver = require "spec.support.nginx_receiver"
local raw_client = require "spec.support.raw"
local wait_for = require "spec.support.wait"

local SECRET, ID, MAX_BODY = nginx_receiver.SECRET, nginx_receiver.ID, nginx_receiver.MAX_BODY
local SIMPLE, SHARED, DEFERRED = nginx_receiver.SIMPLE, nginx_receiver.SHARED, nginx_receiver.DEFERRED
local SERVER, new_body, headers_of = nginx_receiver.SERVER, nginx_receiver.new_body, nginx_receiver.headers_of
local post, seen, bytes_of = nginx_receiver.post, nginx_receiver.seen, nginx_receiver.bytes_of
local chunked_bytes, start = nginx_receiver.chunked_bytes, nginx_receiver.start

nginx_receiver.describe(function()
  local nginx

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
    local app = SHARED:gsub("app%.client%.webhooks:secret_source %b{}", '"@secret@"')
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
    local function has_all(text)
      for _, expected in ipairs {
        "apivideo_deliveries_received_total 42", 'handled_total{type="video.encoding.quality.completed"} 40',
        'failed_total{type="video.caption.generated"} 1', 'rejected_total{reason="bad_signature"} 1',
        'apivideo_delivery_seconds_bucket{le="+Inf"} 41', "apivideo_delivery_seconds_count 41",
      } do
        if not text:find(expected .. "\n", 1, true) then return false end
      end
      return true
    end
    wait_for(function() -- until each worker has them, which counts for itself for up to a second
      for _ = 1, 10 do
        if not has_all(nginx:get "/metrics") then return false end
      end
      return true
    end, "the counts of both workers")
  end)
end)
