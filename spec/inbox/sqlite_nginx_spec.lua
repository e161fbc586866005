-- The file of a SQLite inbox in nginx, whose workers run as another user than its master.

local another_user = require "spec.support.another_user"
local compile = require "spec.support.compile"
local core = require "apivideo.core"
local docs = require "spec.support.docs"
local file = require "spec.support.file"
local nginx_lua = require "spec.support.nginx_lua"

nginx_lua.describe("a SQLite inbox in nginx #process", function()
  if another_user.problem() then return pending(another_user.problem()) end

  local directory, nginx

  -- Starts nginx, with the inbox in a directory.
  local function start(user, home)
    nginx = nginx_lua.start {
      user = user,
      http = ([[
        init_by_lua_block {
          inbox = require("apivideo").inbox { store = require "apivideo.inbox.sqlite" { path = "%s/inbox.db" } }
        }
        init_worker_by_lua_block { ok, err = inbox:open() }]]):format(home),
      server = [[
        location /start { content_by_lua_block { ngx.print(tostring(ok), " ", tostring(err)) } }
        location /open { content_by_lua_block { local ok, err = inbox:open() ngx.print(tostring(ok or err)) } }]],
    }
  end

  before_each(function()
    directory = os.tmpname()
    compile.run(("rm %s; mkdir -m 755 %s"):format(directory, directory))
  end)

  after_each(function()
    if nginx then nginx:stop() end
    nginx = nil
    compile.run("rm -rf " .. directory)
  end)

  it("names the owners and the user of the workers, which must not be root, and works after the remedies", function()
    start("daemon", directory)
    local message = ("sqlite: store_unavailable: inbox %s/inbox.db: Permission denied: the directory %s belongs to the "
      .. "user root (mode 0755), and this process runs as the user daemon; put the inbox into a directory of its own:"
      .. " mkdir DIR; chown daemon DIR"):format(directory, directory)
    assert.equal("nil " .. message, nginx:get "/start")
    assert.equal(message, nginx:get "/open")
    local path = directory .. "/inbox.db"
    compile.run(("touch %s; chmod 600 %s"):format(path, path)) -- such as of a program that root has run once
    assert.equal(message, nginx:get "/open")
    compile.run("chown daemon " .. directory)
    message = nginx:get "/open"
    assert.matches(("; run: chown -h daemon '%s': the file %s belongs to the user root"):format(path, path), message, 1,
      true)
    assert.not_matches("run this process as", message, 1, true)
    compile.run(message:match "run: (chown [^:]+)")
    assert.equal("true", nginx:get "/open")
    assert.equal("daemon", core.owner(directory .. "/inbox.db"))
    assert.equal(384, (core.file_mode(directory .. "/inbox.db")))
  end)

  it("works in the directory of the guide, as the user of the guide and of the example", function()
    local line
    for _, block in ipairs(docs.blocks("docs/guides/nginx.md", "sh")) do
      line = line or block.code:match "sudo (install %-d [^\n]*)"
    end
    local user = line:match "%-o (%S+)"
    assert.truthy(file.read("examples/nginx/nginx.conf"):find("\n# user " .. user .. ";\n", 1, true))
    if compile.run("id -u " .. user .. " 2>&1"):find "%D\n$" then pending("no user " .. user) end
    local home = directory .. "/inbox"
    assert.equal("", compile.run(line:gsub("/var/lib/apivideo%-nginx", home) .. " 2>&1"))
    start(user, home)
    assert.equal("true nil", nginx:get "/start")
    assert.equal(user, core.owner(home .. "/inbox.db"))
  end)
end)
