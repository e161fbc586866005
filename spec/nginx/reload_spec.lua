-- Deliveries while nginx reloads its configuration, or ends.

local apivideo = require "apivideo"
local deliveries = require "spec.support.deliveries"
local emulator = require "apivideo.emulator"
local nginx_lua = require "spec.support.nginx_lua"
local runtime = require "apivideo.runtime"
local wait_for = require "spec.support.wait"

local SENDERS, RELOADS = 10, 3

local CALL = "assert(client.webhooks:list())"

nginx_lua.describe("nginx under deliveries #process", function()
  local nginx, api, senders, path, database

  before_each(function()
    path, database = os.tmpname(), os.tmpname()
    api = assert(emulator.start { api_key = "k", rate_limits = { reads = 1e9, writes = 1 } })
  end)

  after_each(function()
    senders:stop()
    nginx:stop()
    api:stop()
    os.remove(path)
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(database .. ending) end
  end)

  local function start(case)
    local app = deliveries.app(path, {
      setup = ('local client = apivideo.client { api_key = "k", base_url = "%s", rate_limit = false }'):format(api.url),
      options = case.options, before = case.before,
      inbox = case.inbox and ('require "apivideo.inbox.sqlite" { path = %q }'):format(database),
    })
    nginx = nginx_lua.start {
      files = { ["receiver.lua"] = app }, workers = case.workers, listen = case.workers and "reuseport",
      http = case.inbox and [[init_worker_by_lua_block {
        require("apivideo.inbox.worker").TASK_MAX_S = 0.1
        require("receiver").work()
      }]],
      server = "location / { content_by_lua_block { require('receiver'):nginx() } }",
    }
    senders = deliveries.start(nginx.url, SENDERS)
  end

  local function wait_for_more()
    local before = #senders.delivered
    wait_for(function() return #senders.delivered > before + SENDERS end, "deliveries")
  end

  for name, case in pairs {
    ["at once"] = {},
    ["with two workers"] = { workers = 2 },
    ["after a sleep"] = { before = "ngx.sleep(0.02)" },
    ["after a call"] = { before = CALL },
    ["after the response"] = { options = "defer = true", before = "ngx.sleep(0.02)" },
    ["after the response and a call"] = { options = "defer = true", before = CALL },
  } do
    it("loses no delivery in a reload: handled " .. name, function()
      start(case)
      for _ = 1, RELOADS do
        wait_for_more()
        nginx:reload()
      end
      wait_for_more()
      senders:stop()
      nginx:stop(true)
      assert.same({}, senders:lost(path))
      assert.same({}, senders.failed)
    end)
  end

  for workers = 1, 2 do
    it(("loses no delivery in a reload: stored in an inbox and handled by %d workers"):format(workers), function()
      start { workers = workers, inbox = true, before = "ngx.sleep(0.001)" }
      for _ = 1, RELOADS do
        wait_for_more()
        nginx:reload()
      end
      wait_for_more()
      senders:stop()
      wait_for(function() return #senders:lost(path) == 0 end, "the handlers")
      assert.same({}, senders.failed)
      local count = 0
      for _ in io.lines(path) do count = count + 1 end
      assert.equal(#senders.delivered, count) -- no worker died: each was handled once
      assert.is_nil(nginx:log():find("[error]", 1, true), nginx:log())
    end)
  end

  for name, gracefully in pairs { ["at once"] = false, ["gracefully"] = true } do
    it("responds 2xx only to handled deliveries when it ends " .. name, function()
      start { before = "ngx.sleep(0.005)" }
      wait_for_more()
      local ended = runtime.latch()
      apivideo.spawn(function()
        nginx:stop(gracefully)
        ended:open()
      end)
      ended:wait()
      senders:stop()
      assert.same({}, senders:lost(path))
    end)
  end
end)
