--- nginx clears the environment of its workers: libcurl sees the proxy variables only if nginx.conf names them.

local nginx_lua = require "spec.support.nginx_lua"
local peer = require "spec.support.peer"

local APP = [[
local apivideo = require "apivideo"
local client = apivideo.client { api_key = "test-key", base_url = "https://api.invalid", retries = 0,
  rate_limit = false }
return function()
  local page, err = client.webhooks:list()
  ngx.print(page and "ok" or err.kind)
end
]]

nginx_lua.describe("a proxy of the environment, in a worker of nginx, #process", function()
  local nginx, proxy, seen

  before_each(function()
    seen = {}
    proxy = peer.start(function(connection)
      local request = connection:read_request()
      if not request then return end
      seen[#seen + 1] = request.line
      connection:respond("403 Forbidden", "", "")
    end)
  end)

  after_each(function()
    nginx:stop()
    proxy.stop()
  end)

  local function call(main)
    nginx = nginx_lua.start {
      main = main, environment = "https_proxy=" .. proxy.url, files = { ["app.lua"] = APP },
      server = 'location /call { content_by_lua_block { require("app")() } }',
    }
    return nginx:get "/call"
  end

  it("is used if nginx.conf names its variable", function()
    assert.equal("network", call "env https_proxy;")
    assert.same({ "CONNECT api.invalid:443 HTTP/1.1" }, seen)
  end)

  it("is not used if nginx.conf does not", function()
    assert.equal("network", call "")
    assert.same({}, seen)
  end)
end)
