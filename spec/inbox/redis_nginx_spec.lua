-- The store in Redis, in the workers of a real nginx.

local apivideo = require "apivideo"
local nginx_lua = require "spec.support.nginx_lua"
local redis_stores = require "spec.support.redis_stores"

local server

redis_stores.describe("inbox store redis", function()
  setup(function() server = redis_stores.server() end)

  nginx_lua.describe("in nginx #process", function()
    local nginx

    local APP = [[
      local errors = require "apivideo.error"
      local app = { store = require "apivideo.inbox.redis" { port = @port@, password = "secret", database = 2 } }

      -- Prints the result of a call of the store.
      function app.say(result, err)
        if not result then return ngx.print(errors.is(err) and err.kind or "raised", ": ", tostring(err)) end
        local entry = type(result) == "table" and result[1]
        ngx.print(tostring(type(entry) == "table" and entry.raw or entry))
      end

      function app.put(key)
        return app.store:put({ { key = key, raw = key, verified = true, received_at = ngx.now() } }, 20)
      end

      return app
    ]]

    local SERVER = [[
      location /put/ { content_by_lua_block { local app = require "app"; app.say(app.put(ngx.var.uri)) } }
      location /claim { content_by_lua_block { local app = require "app"; app.say(app.store:claim(1, 60)) } }
      location /init { content_by_lua_block { ngx.print(in_init) } }
      location /filter {
        content_by_lua_block { ngx.print "body" }
        header_filter_by_lua_block { ngx.header.said = tostring(select(2, require("app").store:stats())) }
      }
    ]]

    setup(function()
      server:set_password "secret"
      nginx = nginx_lua.start {
        workers = 2, files = { ["app.lua"] = APP:gsub("@port@", tostring(server.port)) }, server = SERVER,
        http = [[init_by_lua_block { in_init = tostring(select(2, require("app").store:stats())) }]],
      }
    end)

    teardown(function()
      nginx:stop()
      server:set_password ""
    end)

    -- The total number of connections that the server has accepted.
    local function connections()
      return tonumber(server:command("INFO", "stats"):match "total_connections_received:(%d+)")
    end

    it("puts and claims, on reused connections", function()
      local said = {}
      apivideo.parallel(8, (("x"):rep(40)):gmatch "x", function(_, place)
        local word = nginx:get("/put/" .. place % 20)
        said[word] = (said[word] or 0) + 1
      end)
      assert.same({ ["true"] = 20, ["false"] = 20 }, said)
      local before = connections()
      local raws = {}
      for _ = 1, 20 do raws[nginx:get "/claim"] = true end
      assert.equal("nil", nginx:get "/claim")
      for i = 0, 19 do assert.is_true(raws["/put/" .. i]) end
      assert.is_true(connections() - before < 10)
    end)

    it("has no store before its workers start, nor in phases that cannot wait", function()
      assert.truthy(nginx:get("/init"):find("init_by_lua comes before nginx's workers", 1, true))
      local said = assert(nginx:request "/filter").headers.said
      assert.truthy(said:find("store_unavailable", 1, true))
      assert.truthy(said:find("header_filter", 1, true))
    end)

    it("gets an error in time while the server is stopped, and continues afterwards", function()
      server:pause()
      local ok, said = pcall(nginx.get, nginx, "/put/late")
      server:resume()
      assert(ok, said)
      assert.truthy(said:find("^store_unavailable: .*timeout"))
      assert.truthy(nginx:get("/put/later"):find "^true")
    end)
  end)
end)
