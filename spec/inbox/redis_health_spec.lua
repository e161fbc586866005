-- Health checks while the server of the store in Redis hangs, and while no worker runs.

local apivideo = require "apivideo"
local json = require "apivideo.util.json"
local nginx_lua = require "spec.support.nginx_lua"
local redis_stores = require "spec.support.redis_stores"
local runtime = require "apivideo.runtime"
local sqlite_stores = require "spec.support.sqlite_stores"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local LIMIT_S = 1.8 -- a call of the store alone would fail after two seconds

redis_stores.describe("a health check of an inbox in Redis", function()
  local server

  setup(function() server = redis_stores.server() end)
  after_each(function() server:resume() end)

  -- The result of a function, and the seconds that it took.
  local function timed(fn, ...)
    local began = runtime.monotonic()
    local result = fn(...)
    return result, runtime.monotonic() - began
  end

  it("names a server that hangs within about a second", function()
    local inbox = apivideo.inbox { store = redis_stores.open() }
    local receiver = apivideo.receiver { inbox = inbox, unsigned = true, health = "/health" }
    assert.is_true(receiver:health().ok)
    server:pause()
    for _, call in ipairs {
      function() return inbox:health() end, function() return receiver:health() end,
      function()
        local status, _, body = receiver:monitor { method = "GET", path = "/health" }
        assert.equal(503, status)
        return assert(json.decode(body))
      end,
    } do
      local health, seconds = timed(call)
      assert.is_false(health.ok)
      assert.equal("the store does not respond within 1 s", health.reasons.store)
      assert(seconds < LIMIT_S, seconds)
    end
    local status, seconds = timed(function()
      return (receiver:receive { method = "GET", path = "/health", headers = {} })
    end)
    assert.equal(503, status)
    assert(seconds < LIMIT_S, seconds)
    server:resume()
    wait_for(function() return receiver:health().ok end, "the server")
  end)

  it("is ok within about a second with a spool", function()
    local inbox = apivideo.inbox { store = redis_stores.open(), spool = sqlite_stores.open() }
    local receiver = apivideo.receiver { inbox = inbox, unsigned = true }
    stderr.of(function() assert(inbox:open()) end)
    server:pause()
    local health, seconds = timed(receiver.health, receiver)
    assert.is_true(health.ok)
    assert.truthy(health.reasons.store)
    assert.is_nil(health.reasons.spool)
    assert(seconds < LIMIT_S, seconds)
    server:resume()
    inbox:close()
    sqlite_stores.clean()
  end)

  it("names workers that do not run", function()
    local store = redis_stores.open()
    redis_stores.put(store, "a", { age = 100 })
    local inbox = apivideo.inbox { store = store }
    assert.matches("1 events wait, the oldest for 10%d s, and no process has", inbox:health().reasons.worker)
    local entry = redis_stores.claim(store)
    assert.is_true(store:complete(entry.id, entry.token))
    redis_stores.put(store, "b", { age = 100 })
    assert.is_nil(inbox:health().reasons.worker)
  end)

  nginx_lua.describe("in nginx #process", function()
    it("names a server that hangs within about a second", function()
      local nginx = nginx_lua.start {
        http = ([[init_by_lua_block {
          local apivideo = require "apivideo"
          local inbox = apivideo.inbox { store = apivideo.inbox.redis { port = %d } }
          receiver = apivideo.receiver { inbox = inbox, unsigned = true, health = "/alive" }
        }]]):format(server.port),
        server = [[
          location = /health { content_by_lua_block { receiver:monitor() } }
          location = /alive { content_by_lua_block { receiver:nginx() } }
        ]],
      }
      finally(function() nginx:stop() end)
      assert.equal(200, assert(nginx:request "/health").status)
      server:pause()
      for _, path in ipairs { "/health", "/alive" } do
        local response, seconds = timed(function() return assert(nginx:request(path)) end)
        assert.equal(503, response.status)
        assert(seconds < LIMIT_S, seconds)
        if path == "/health" then
          assert.matches('"store":"the store does not respond within 1 s"', response.body, 1, true)
        end
      end
      server:resume()
      wait_for(function() return nginx:request("/health").status == 200 end, "the server")
    end)
  end)
end)
