-- The file of a SQLite inbox in nginx, whose workers run as another user than its master.

local compile = require "spec.support.compile"
local core = require "apivideo.core"
local nginx_lua = require "spec.support.nginx_lua"

nginx_lua.describe("a SQLite inbox in nginx #process", function()
  if compile.run "id -u" ~= "0\n" then return pending "only root starts workers of another user" end

  local directory, nginx

  setup(function()
    directory = os.tmpname()
    compile.run(("rm %s; mkdir %s"):format(directory, directory))
    nginx = nginx_lua.start {
      user = "daemon",
      http = ([[
        init_by_lua_block {
          inbox = require("apivideo").inbox { store = require "apivideo.inbox.sqlite" { path = "%s/inbox.db" } }
        }
        init_worker_by_lua_block { ok, err = inbox:open() }]]):format(directory),
      server = [[
        location /start { content_by_lua_block { ngx.print(tostring(ok), " ", tostring(err)) } }
        location /open { content_by_lua_block { local ok, err = inbox:open() ngx.print(tostring(ok or err)) } }]],
    }
  end)

  teardown(function()
    nginx:stop()
    compile.run("rm -rf " .. directory)
  end)

  it("names the owner of the directory and the user of the workers, and works after the remedy", function()
    local message = ("sqlite: store_unavailable: inbox %s/inbox.db: Permission denied: the directory %s belongs to the "
      .. "user root (mode 0755), and this process runs as the user daemon; run this process as that user, or give the "
      .. "directory away: chown daemon '%s'"):format(directory, directory, directory)
    assert.equal("nil " .. message, nginx:get "/start")
    assert.equal(message, nginx:get "/open")
    compile.run("chown daemon " .. directory)
    assert.equal("true", nginx:get "/open")
    assert.equal("daemon", core.owner(directory .. "/inbox.db"))
    assert.equal(384, (core.file_mode(directory .. "/inbox.db")))
  end)
end)
