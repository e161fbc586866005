-- The examples of a durable inbox, as processes that are killed and restarted; and the configuration of its guide for
-- nginx.

local apivideo = require "apivideo"
local cjson = require "cjson"
local count = require "spec.support.count"
local docs = require "spec.support.docs"
local free_port = require "spec.support.free_port"
local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local redis_server = require "spec.support.redis"
local running = require "spec.support.running"
local wait_for = require "spec.support.wait"

describe("the example #process", function()
  after_each(running.stop)

  -- Removes a SQLite file after the test.
  local function remove_at_end(path)
    running.add(function()
      for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
    end)
  end

  it("durable.lua continues after it was killed", function()
    local path, names = os.tmpname(), apivideo.events:names()
    remove_at_end(path)
    local first = running.process { "examples/durable.lua", path }
    wait_for(function() return count(first:output(), " is stored\n") == #names end, "deliveries")
    first:wait_for " is done\n  <%- "
    local before = running.finish(first, "KILL")
    local victim = before:match ".*\n  <%- ([^,]+), attempt 1\n"
    assert.truthy(victim, before)

    local second = running.process { "examples/durable.lua", path }
    wait_for(function()
      local printed = second:output()
      return count(before .. printed, " is done\n") == #names and count(printed, " is a duplicate\n") == #names
    end, "all events")
    local after, status = running.finish(second, "INT")
    assert.equal(0, status)
    assert.truthy(after:find(("In the inbox: 0 waiting, %d done.\n"):format(#names), 1, true), after)
    assert.truthy(after:find("  <- " .. victim .. ", attempt 2\n", 1, true), after)
    for _, name in ipairs(names) do
      assert.equal(1, count(before .. after, "     " .. name .. " is done\n"), name)
    end
  end)

  it("worker.lua handles the events that its receiver has stored, in several processes", function()
    if redis_server.missing() then pending(redis_server.missing()) end
    local server = redis_server.start()
    running.add(function() server:stop() end)
    local api = running.emulator()
    local environment = ("LUA_PATH='%s' REDIS_PORT=%d PORT=%s APIVIDEO_API_KEY=key APIVIDEO_BASE_URL=%s")
      :format(package.path, server.port, free_port(), api.url)
    local printed, keys = {}, {}

    local function start_one(mode)
      local child = running.process({ "examples/worker.lua", mode }, environment)
      local url = child:wait_for(mode == "work" and "Working%." or "Listening on (.-)%.\n")
      printed[#printed + 1] = function() return child.output_at_end or child:output() end
      return child, url
    end

    local function crash(child)
      child.output_at_end = running.finish(child, "KILL")
    end

    local function all_printed()
      local texts = {}
      for i, text_of in ipairs(printed) do texts[i] = text_of() end
      return table.concat(texts)
    end

    -- Delivers events, each of a different video.
    local function deliver(from, to)
      for i = from, to do
        local event = apivideo.events:sample "video.encoding.quality.completed"
        event.videoId = ("vi%d"):format(i)
        keys[#keys + 1] = apivideo.events:key(event)
        api:emit(cjson.encode(event))
      end
      assert.is_true(api:settle(10))
      for _, delivery in ipairs(api.deliveries) do assert.equal("delivered", delivery.state) end
    end

    local receiver, url = start_one "receive"
    local client = apivideo.client { api_key = "key", base_url = api.url }
    assert(client.webhooks:create { url = url, events = apivideo.events:names() })
    deliver(1, 20) -- no worker runs yet
    local one, other = start_one "work", start_one "work"
    wait_for(function()
      deliver(#keys + 1, #keys + 10)
      return one:output():find "is done\n" and other:output():find "is done\n"
    end, "both workers")
    deliver(#keys + 1, #keys + 40)
    crash(one)
    server:crash()
    server:start()
    crash(receiver)
    start_one "receive"
    start_one "work"
    deliver(#keys + 1, #keys + 10)
    wait_for(function()
      local text = all_printed()
      for _, key in ipairs(keys) do
        if count(text, key .. " is done\n") == 0 then return false end
      end
      return true
    end, "all events")
  end)

  it("of the guide receives and handles events in nginx", function()
    if nginx_lua.missing() then pending(nginx_lua.missing()) end
    local path, secret = os.tmpname(), "sig_sec_0000000000000000000000"
    remove_at_end(path)
    local blocks = { http = "", server = "" }
    for _, block in ipairs(docs.blocks("docs/guides/inbox.md", "nginx")) do
      local level = block.code:find "^location" and "server" or "http"
      blocks[level] = blocks[level] .. block.code:gsub("/var/lib/apivideo%-nginx/inbox%.db", path)
        :gsub('os%.getenv "WEBHOOK_SECRET"', '"' .. secret .. '"')
    end
    local nginx = nginx_lua.start { http = blocks.http, server = blocks.server, workers = 2 }
    running.add(function() nginx:stop() end)
    for i = 1, 20 do
      local event = apivideo.events:sample "video.source.recorded"
      event.videoId = ("vi%d."):format(i)
      local body = cjson.encode(event)
      local headers = { "X-Api-Video-Signature: " .. apivideo.sign(body, secret), "X-Api-Video-WebhookID: webhook_1" }
      for _ = 1, 2 do
        local response = assert(nginx:request("/webhooks", { method = "POST", body = body, headers = headers }))
        assert.equal(204, response.status)
      end
    end
    nginx:reload()
    wait_for(function() return count(nginx:log(), "video.source.recorded vi") == 20 end, "all events")
    for i = 1, 20 do assert.equal(1, count(nginx:log(), ("video.source.recorded vi%d."):format(i))) end
    assert.is_nil(nginx:log():find("[error]", 1, true), nginx:log())
  end)

  it("worker.lua takes a user of Redis", function()
    if redis_server.missing() then pending(redis_server.missing()) end
    local server = redis_server.start()
    running.add(function() server:stop() end)
    server:command("ACL", "SETUSER", "inbox", "on", ">word", "~{apivideo}:*", "+@all")
    running.process({ "examples/worker.lua", "work" },
      ("LUA_PATH='%s' REDIS_PORT=%d REDIS_USERNAME=inbox REDIS_PASSWORD=word"):format(package.path, server.port))
    wait_for(function() return server:command("CLIENT", "LIST"):find("user=inbox", 1, true) end, "the worker")
  end)

  it("worker.lua prints its usage", function()
    local printed, status = process.run { "examples/worker.lua" }
    assert.equal(2, status)
    assert.equal("usage: lua worker.lua receive|work\n", printed)
  end)
end)
