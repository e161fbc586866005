-- Host names of Redis in nginx, which resolves names with its directive `resolver` alone.

local file = require "spec.support.file"
local hosts = require "apivideo.inbox.redis.hosts"
local nginx_lua = require "spec.support.nginx_lua"
local redis_stores = require "spec.support.redis_stores"

describe("a host of Redis in nginx", function()
  it("is looked up in a file like /etc/hosts", function()
    local path = os.tmpname()
    file.write(path, "# comment\n\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # more\n"
      .. " 10.0.0.7  Redis.internal redis\n")
    for host, expected in pairs {
      localhost = "127.0.0.1", ["ip6-localhost"] = "[::1]", ["redis.INTERNAL"] = "10.0.0.7", redis = "10.0.0.7",
      ["127.0.0.1"] = "127.0.0.1", ["::1"] = "[::1]", ["[::1]"] = "[::1]", ["redis.example"] = "redis.example",
      more = "more", comment = "comment",
    } do
      assert.equal(expected, hosts.address_of(host, path), host)
    end
    os.remove(path)
    assert.equal("redis", hosts.address_of("redis", path))
  end)
end)

redis_stores.describe("inbox store redis", function()
  nginx_lua.describe("in nginx, by the name of its host #process", function()
    local nginx

    setup(function()
      redis_stores.server():command("CONFIG", "SET", "bind", "127.0.0.1 -::1")
      nginx = nginx_lua.start {
        files = { ["app.lua"] = ([[
          local app = {}
          function app.stats(host)
            local store = require "apivideo.inbox.redis" { port = %d, host = host }
            local stats, err = store:stats()
            ngx.print(stats and "works" or tostring(err))
          end
          return app
        ]]):format(redis_stores.server().port) },
        server = [[ location /host/ {
          content_by_lua_block { require("app").stats(ngx.var.uri:match "([^/]+)$") }
        } ]],
      }
    end)

    teardown(function() nginx:stop() end)

    it("works with names of /etc/hosts and addresses", function()
      assert.equal("works", nginx:get "/host/localhost")
      assert.equal("works", nginx:get "/host/127.0.0.1")
      if redis_stores.server():command("CONFIG", "GET", "bind"):find("::1", 1, true) then
        assert.equal("works", nginx:get "/host/::1")
      end
    end)

    it("names the directive resolver for other names", function()
      local said = nginx:get "/host/redis.example"
      assert.truthy(said:find("nginx cannot look up \"redis.example\", which /etc/hosts does not have: set nginx's"
        .. " directive resolver, or give an address", 1, true), said)
    end)
  end)
end)
