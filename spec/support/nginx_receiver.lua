--- Specs of deliveries to a real nginx: its applications and locations, and deliveries.

local apivideo = require "apivideo"
local assert = require "luassert"
local busted = require "busted"
local cjson = require "cjson"
local nginx_lua = require "spec.support.nginx_lua"

local SECRET, ID = "sig_sec_0000000000000000000000", "webhook_0000000000000000000000"
local MAX_BODY = 20000

-- An application. Its handlers count events in a dictionary, by the video's id.
local APP = [[
local apivideo = require "apivideo"
local seen = ngx.shared.seen
local app = { client = apivideo.client { api_key = "test-key", base_url = "@api@", retries = 0 } }

app.handlers = apivideo.handlers()
app.handlers:on("video.encoding.quality.completed", function(event, delivery)
  assert(delivery.verified and delivery.webhook_id and #delivery.raw > 0)
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
  handlers = app.handlers, metrics = apivideo.metrics { store = shared },
  secrets = app.client.webhooks:secret_source { store = shared, ttl = @ttl@, miss_ttl = 60 },
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

local running = {}

local nginx_receiver = {
  SECRET = SECRET, ID = ID, MAX_BODY = MAX_BODY, SIMPLE = SIMPLE, SHARED = SHARED, DEFERRED = DEFERRED, SERVER = SERVER,
  new_body = new_body, headers_of = headers_of, post = post, seen = seen, bytes_of = bytes_of,
  chunked_bytes = chunked_bytes,
}

--- Registers what is stopped after the test.
function nginx_receiver.add(other) running[#running + 1] = other end

--- Starts nginx with an application: SIMPLE, SHARED or DEFERRED.
function nginx_receiver.start(app, more)
  local options = {
    http = "lua_shared_dict seen 1m; lua_shared_dict apivideo 1m;" .. (more and more.http or ""),
    server = SERVER,
    files = { ["app.lua"] = filled(app, {
      id = ID, secret = SECRET, max = MAX_BODY, api = more and more.api or "http://x", ttl = more and more.ttl or 300,
    }) },
  }
  for _, name in ipairs { "workers", "code_cache", "listen", "server" } do
    options[name] = more and more[name] or options[name]
  end
  local started = nginx_lua.start(options)
  return started
end

--- Describes a receiver in nginx: what a test starts is stopped after it. Pending where there is no nginx with Lua.
function nginx_receiver.describe(fn)
  nginx_lua.describe("receiver in nginx #process", function()
    busted.before_each(function() running = {} end) -- without what a setup has started

    busted.after_each(function()
      for _, other in ipairs(running) do other:stop() end
    end)

    fn()
  end)
end

return nginx_receiver
