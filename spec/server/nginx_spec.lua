--- The server and the emulator where nginx runs the loop.

local nginx_lua = require "spec.support.nginx_lua"

nginx_lua.describe("in nginx", function()
  local nginx

  after_each(function()
    if nginx then nginx:stop() end
    nginx = nil
  end)

  it("the server and the emulator raise an error that names the alternative", function()
    nginx = nginx_lua.start { server = [[
      location /server { content_by_lua_block {
        ngx.say(select(2, pcall(require("apivideo.server").listen, { handler = print })))
        ngx.say(select(2, pcall(require("apivideo.server").serve, { handler = print })))
      } }
      location /emulator { content_by_lua_block {
        ngx.say(select(2, pcall(require("apivideo.emulator").start, { api_key = "key" })))
      } }
    ]] }
    local text = nginx:get "/server"
    for line in text:gmatch "[^\n]+" do
      assert.truthy(line:find "^[^ ]*server%.%l+: nginx runs the loop of this process", line)
      assert.truthy(line:find("receiver:nginx()", 1, true), line)
    end
    assert.equal(2, select(2, text:gsub("\n", "")))
    text = nginx:get "/emulator"
    assert.truthy(text:find("emulator.start: the emulator cannot run in an nginx worker", 1, true), text)
    assert.truthy(text:find("`apivideo emulate`", 1, true), text)
  end)
end)
