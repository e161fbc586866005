--- nginx clears the environment of its workers: the library sees the variables of trusted certificates only if nginx.conf
--- names them.

local certificates = require "spec.support.certificates"
local nginx_lua = require "spec.support.nginx_lua"

local APP = [[
local apivideo = require "apivideo"
local client = apivideo.client { api_key = "test-key", base_url = "https://127.0.0.1:%d", retries = 0,
  rate_limit = false }
return function()
  local result, err = client:request("GET", "/")
  ngx.print(result and "ok" or err.kind)
end
]]

nginx_lua.describe("certificates of the environment, in a worker of nginx, #process", function()
  local nginx, authority, port

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    port = authority:serve "-cert good.crt -key good.key"
  end)

  teardown(function() authority:remove() end)

  after_each(function() nginx:stop() end)

  local function call(main)
    nginx = nginx_lua.start {
      main = main, environment = "SSL_CERT_FILE=" .. authority:path "ca.crt",
      files = { ["app.lua"] = APP:format(port) },
      server = 'location /call { content_by_lua_block { require("app")() } }',
    }
    return nginx:get "/call"
  end

  it("are trusted if nginx.conf names their variable", function()
    assert.equal("unexpected_response", call "env SSL_CERT_FILE;") -- it is not JSON
  end)

  it("are not trusted if nginx.conf does not", function()
    assert.equal("tls", call "")
  end)
end)
