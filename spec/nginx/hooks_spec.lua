-- Hooks of a client in a real nginx.

local nginx_lua = require "spec.support.nginx_lua"
local running = require "spec.support.running"

local KEY = "observed.key-77"

nginx_lua.describe("hooks in nginx #process", function()
  after_each(running.stop)

  it("that raise an error are logged in its error log, without secrets", function()
    local p = running.responding("200 OK", nil, '{"data":[]}')
    local nginx = nginx_lua.start { server = ([[
      location / { content_by_lua_block {
        local client = require("apivideo").client { api_key = "%s", base_url = "%s",
          on_request = function() error("no use for %s", 0) end }
        ngx.print(client.videos:list() and "ok")
      } }]]):format(KEY, p.url, KEY) }
    finally(function() nginx:stop() end)
    assert.equal("ok", nginx:get "/")
    assert.truthy(nginx:log():find("%[error%] [^\n]*apivideo: a hook failed: no use for %*%*%*,"), nginx:log())
  end)
end)
