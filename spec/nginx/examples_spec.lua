-- The configurations of the guide and of the example run in a real nginx.

local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local emulator = require "apivideo.emulator"
local nginx_calls = require "spec.support.nginx_calls"
local wait_for = require "spec.support.wait"

nginx_calls.describe(function()
  local nginx

  local function start(...) nginx = nginx_calls.start(...) end

  it("have documentation with a configuration that runs", function()
    local local_api = assert(emulator.start { api_key = "docs-key", rate_limits = { reads = 100, writes = 40 } })
    finally(function() local_api:stop() end)
    local account = apivideo.client { api_key = "docs-key", base_url = local_api.url }
    local_api:put_video { videoId = apivideo.events:sample("video.encoding.quality.completed").videoId, title = "News" }
    local blocks, logs = { http = {}, server = {} }, 0
    for _, block in ipairs(docs.blocks("docs/guides/nginx.md", "nginx")) do
      local level = block.code:find("^location") and "server" or "http"
      -- With the modules of the checkout, and the guide's log in the directory of the spec.
      if not block.code:find("lua_package_path", 1, true) then
        local code, count = block.code:gsub('os.getenv "APIVIDEO_API_KEY"', '"docs-key"')
          :gsub('environment = "sandbox"', ('base_url = "%s"'):format(local_api.url))
          :gsub("error_log /var/log/nginx/error.log", "error_log error.log")
        table.insert(blocks[level], code)
        logs = logs + count
      end
    end
    assert.equal(1, logs)
    start(table.concat(blocks.http), table.concat(blocks.server))
    local webhook = assert(account.webhooks:create { url = nginx.url .. "/webhooks", events = apivideo.events:names() })
    local_api:emit(apivideo.events:sample "video.encoding.quality.completed")
    assert.is_true(local_api:settle(10))
    wait_for(function() return nginx:log():find("News is ready as 720p", 1, true) end, "the log")
    local of_deleted = apivideo.events:sample "video.encoding.quality.completed"
    of_deleted.videoId = "vi_deleted"
    local_api:emit(of_deleted)
    assert.is_true(local_api:settle(10))
    wait_for(function() return nginx:log():find("vi_deleted is ready as 720p", 1, true) end, "the log")
    local metrics = assert(nginx:request "/metrics")
    assert.truthy(metrics.body:find("\napivideo_deliveries_received_total 2\n", 1, true), metrics.body)
    assert.equal("text/plain; version=0.0.4", metrics.headers["Content-Type"])
    assert.equal(webhook.webhookId .. " " .. webhook.url .. "\n", nginx:get "/subscriptions")
    assert.equal("1\n", nginx:get "/count")
    local_api:fault { status = 401, on = "GET /webhooks" }
    assert.equal(500, nginx:request("/count").status)
    wait_for(function() return nginx:log():find("runtime error: [^\n]*api.video: unauthorized %(401%)") end, "the log")
    assert.equal("Done.\n", nginx:get "/later")
    wait_for(function() return #local_api.requests >= 7 end, "the call from the log phase")
  end)

  it("have an example that runs", function()
    local pipe = io.popen "tools/with-lua jit examples/nginx/demo.lua 2>&1"
    local printed = pipe:read "*a"
    pipe:close()
    for _, name in ipairs(apivideo.events:names()) do
      assert.truthy(printed:find("  <- " .. name .. ": ", 1, true), printed)
    end
    assert.truthy(printed:find("video.source.recorded: video [^ ]+, Evening news\n"), printed)
    assert.truthy(printed:find("from api.video:\n  webhook_%w+ http://127.0.0.1:%d+/webhooks\n"), printed)
    local received = #apivideo.events:names() + 1 -- also a forged one
    assert.truthy(printed:find(("\n  apivideo_deliveries_received_total %d\n"):format(received), 1, true), printed)
  end)
end)
