-- The store in Redis in a real nginx: TLS, and clients that the application creates.

local certificates = require "spec.support.certificates"
local nginx_lua = require "spec.support.nginx_lua"
local redis_server = require "spec.support.redis"

local APP = [[
  local redis = require "apivideo.inbox.redis"
  local found, resty = pcall(require, "resty.redis")
  if not found then resty = require "nginx.redis" end
  local app = { ends = {} }

  -- A connected client of lua-resty-redis.
  local function connect()
    local client = resty:new()
    assert(client:connect("127.0.0.1", @port@, { pool = "clients" }))
    return client
  end

  local function release(client, broken)
    app.ends[#app.ends + 1] = tostring(broken)
    client:close()
  end

  local stores = {
    tls = { host = "localhost", port = @tls_port@, tls = true },
    mistaken = { host = "localhost", port = @port@, tls = true, password = "in-clear-text" },
    address = { host = "127.0.0.2", port = @tls_port@, tls = true },
    client = { client = connect },
    release = { client = connect, release = release },
    raising = { client = function() error "no way" end },
    absent = { client = function() return nil, "not today" end },
  }
  for name, options in pairs(stores) do app[name] = redis(options) end

  function app.put(name, key)
    local results, err = app[name]:put({ { key = key, raw = key, verified = true, received_at = ngx.now() } }, 20)
    ngx.print(tostring(results and results[1]), " ", tostring(err))
  end

  return app
]]

local SERVER = [[
  location ~ /put/(.+)/(.+) {
    content_by_lua_block { require("app").put(ngx.var[1], ngx.var[2]) }
  }
  location /ends { content_by_lua_block { ngx.print(table.concat(require("app").ends, " ")) } }
  location /time {
    content_by_lua_block {
      ngx.update_time()
      ngx.print(math.abs(require("app").tls:time() - ngx.now()) < 5 and "equal" or "different")
    }
  }
]]

nginx_lua.describe("inbox store redis in nginx #process", function()
  if redis_server.missing() then return pending(redis_server.missing()) end

  local authority, server, nginx, tls_port

  local function start_nginx(trusted)
    return nginx_lua.start {
      workers = 1, server = SERVER, http = ("lua_ssl_trusted_certificate %s;"):format(authority:path(trusted)),
      files = { ["app.lua"] = APP:gsub("@([%w_]+)@", { port = tostring(server.port), tls_port = tostring(tls_port) }) },
    }
  end

  setup(function()
    authority = certificates.new()
    authority:issue("good", "DNS:localhost")
    authority:openssl "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.crt -days 2 -subj /CN=own"
    server, tls_port = redis_server.start_with_tls(authority)
    nginx = start_nginx "ca.crt"
  end)

  teardown(function()
    nginx:stop()
    server:stop()
    authority:remove()
  end)

  before_each(function() server:command("FLUSHALL") end)

  -- The total number of connections that the server has accepted, without that of this command.
  local function connections()
    return tonumber(server:command("INFO", "stats"):match "total_connections_received:(%d+)")
  end

  it("uses TLS, also on reused connections", function()
    assert.equal("true nil", nginx:get "/put/tls/a")
    assert.equal("false nil", nginx:get "/put/tls/a")
    local before = connections()
    for i = 1, 10 do assert.equal("true nil", nginx:get("/put/tls/" .. i)) end
    assert.equal(before + 1, connections())
    assert.equal("equal", nginx:get "/time")
  end)

  it("trusts no certificate of another authority, or of another host", function()
    assert.matches("store_unavailable: .*certificate", nginx:get "/put/address/a")
    local other = start_nginx "own.crt"
    finally(function() other:stop() end)
    assert.matches("store_unavailable: .*certificate", other:get "/put/tls/a")
  end)

  it("sends nothing without TLS to a server that does not speak it", function()
    assert.matches("store_unavailable: .*TLS", nginx:get "/put/mistaken/a")
    assert.equal("0", (server:command("EXISTS", "{apivideo}:stream")))
  end)

  it("uses clients of the application, which go to their pool, or are released", function()
    assert.equal("true nil", nginx:get "/put/client/a")
    local before = connections()
    for i = 1, 10 do assert.equal("true nil", nginx:get("/put/client/" .. i)) end
    assert.equal(before + 1, connections())
    assert.equal("true nil", nginx:get "/put/release/b")
    server:command("SET", "{apivideo}:seen", "no hash")
    assert.matches("WRONGTYPE", nginx:get "/put/release/c")
    assert.equal("false true", nginx:get "/ends")
    assert.matches("store_unavailable: .*no way", nginx:get "/put/raising/a")
    assert.matches("store_unavailable: .*not today", nginx:get "/put/absent/a")
  end)
end)
