--- Specs of the inbox's store in Redis: a real server, and stores on it.

local assert = require "luassert"
local busted = require "busted"
local inboxes = require "spec.support.inboxes"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

local WINDOW = 20

local redis_stores = { WINDOW = WINDOW, item = inboxes.item }

local server, stores

--- The server of the specs that run.
---@return spec.Redis
function redis_stores.server() return server end

--- Opens a store on the server; it is closed after the test.
function redis_stores.open(options)
  stores[#stores + 1] = redis(tables.merge({ port = server.port }, options))
  return stores[#stores]
end

--- Puts one event. Returns what the store returns for it.
function redis_stores.put(store, key, fields)
  return assert(store:put({ inboxes.item(key, fields) }, WINDOW))[1]
end

--- A number of items, with the keys "1", "2" …
function redis_stores.items(count)
  local list = {}
  for i = 1, count do list[i] = inboxes.item(("%d"):format(i)) end
  return list
end

function redis_stores.claim(store, lease)
  return assert(store:claim(1, lease or 60))[1]
end

--- Claims until an event is ready: after a lease or a delay of a test.
function redis_stores.claim_soon(store)
  return wait_for(function() return redis_stores.claim(store) end, "an entry")
end

--- Asserts that a call has failed because of the server. Returns the text of its error.
function redis_stores.unavailable(result, err)
  assert.is_nil(result)
  assert.equal("store_unavailable", err.kind)
  return tostring(err)
end

--- As busted's describe, with a Redis server that is empty before each test. Pending where there is no Redis.
function redis_stores.describe(name, fn)
  local missing = redis_server.missing()
  if missing then return busted.pending(name .. ": " .. missing) end
  busted.describe(name, function()
    busted.setup(function() server = redis_server.start() end)
    busted.teardown(function() server:stop() end)

    busted.before_each(function()
      stores = {}
      server:command "FLUSHALL"
      server:command("CLIENT", "KILL", "TYPE", "normal") -- inherited connections of a "child" in an earlier test
    end)

    busted.after_each(function()
      for _, store in ipairs(stores) do store:close() end
    end)

    fn()
  end)
end

return redis_stores
