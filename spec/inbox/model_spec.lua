-- Random operations on each store, with and without a spool, checked against a model. APIVIDEO_MODEL_STEPS=20000 runs
-- more than the usual steps, APIVIDEO_MODEL_SEED=7 other ones.

local hiredis = require "apivideo.inbox.redis.hiredis"
local memory = require "apivideo.inbox.memory"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"
local sqlite = require "apivideo.inbox.sqlite"
local world = require "spec.support.inbox_world"

local STEPS = tonumber(os.getenv "APIVIDEO_MODEL_STEPS")
local SEED = tonumber(os.getenv "APIVIDEO_MODEL_SEED" or 1)

local base = os.tmpname()

local function remove(path)
  for _, ending in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(path .. ending) end
end

-- Not in a thread of its own, whose clock the model does not set.
local function sqlite_at(name)
  return sqlite { path = base .. name, thread = false }
end

-- Kinds of stores: `open` begins a run, `restart` is a restart of the process.
local function memory_kind(has_spool)
  return { reset = function() return memory(), has_spool and memory() or nil end }
end

local function sqlite_kind(has_spool)
  local opened = {}
  local function close()
    for _, store in ipairs(opened) do store:close() end
    opened = {}
  end
  local function open()
    close()
    opened = { sqlite_at ".db", has_spool and sqlite_at ".spool" or nil }
    return opened[1], opened[2]
  end
  return {
    reset = function()
      close()
      remove(base .. ".db")
      remove(base .. ".spool")
      return open()
    end,
    restart = open,
  }
end

-- Moves the store's clock, as if the server's clock had been ahead until now.
local ADVANCE = [[
  local time, kept = redis.call("TIME"), redis.call("HMGET", KEYS[1], "clock", "offset")
  local wall = time[1] * 1000 + math.floor(time[2] / 1000)
  local offset = math.max(tonumber(kept[2] or 0), tonumber(kept[1] or 0) - wall, 0) + ARGV[1]
  redis.call("HSET", KEYS[1], "clock", string.format("%.0f", wall + offset), "offset", string.format("%.0f", offset))
  return 1
]]

local function redis_kind(server, has_spool)
  local client = assert(hiredis.connect { host = "127.0.0.1", port = server.port })
  local opened = {}
  local function open()
    for _, store in ipairs(opened) do store:close() end
    opened = { redis { port = server.port }, has_spool and sqlite_at ".spool" or nil }
    return opened[1], opened[2]
  end
  return {
    reset = function()
      assert(client:ask "flushall")
      for _, store in ipairs(opened) do store:close() end
      remove(base .. ".spool")
      return open()
    end,
    restart = open,
    advance = function(seconds)
      client:ask("eval", ADVANCE, 1, "{apivideo}:meta", ("%.0f"):format(seconds * 1000))
    end,
  }
end

-- A memory store with replaced methods, which get the store and the method's arguments.
local function but(methods)
  local store = memory()
  return setmetatable({}, { __index = function(_, name)
    return function(_, ...)
      if methods[name] then return methods[name](store, ...) end
      return store[name](store, ...)
    end
  end })
end

-- Copies of items without a field.
local function without(items, field)
  local copies = {}
  for i, item in ipairs(items) do
    copies[i] = {}
    for name, value in pairs(item) do copies[i][name] = name ~= field and value or nil end
  end
  return copies
end

local broken = {
  ["acknowledges events that it does not keep"] = { put = function(store, items, window)
    local kept = {}
    for i = 1, math.min(2, #items) do kept[i] = items[i] end
    local results, err = store:put(kept, window)
    for i = #kept + 1, #items do results[i] = true end
    return results, err
  end },
  ["has no fencing"] = { complete = function(store, id, token)
    for _, entry in ipairs(store:list({ state = "claimed" }, { limit = 1000, after = id - 1 })) do
      if entry.id == id then token = entry.token end
    end
    return store:complete(id, token)
  end },
  ["completes events without putting their items"] = { complete = function(store, id, token)
    return store:complete(id, token)
  end },
  ["puts the items of a lost claim"] = { complete = function(store, id, token, items, window)
    if items then store:put(items, window) end
    return store:complete(id, token)
  end },
  ["forgets lanes"] = { put = function(store, items, window)
    return store:put(without(items, "lane"), window)
  end },
  ["drops a broadcast although its opposite came between"] = { put = function(store, items, window)
    return store:put(without(items, "opposite"), window)
  end },
  ["puts an item although its opposite is not the last one"] = { put = function(store, items, window)
    return store:put(without(items, "opposite_age"), window)
  end },
  ["counts only what is still done as handled"] = { activity = function(store)
    local list, seconds = store:activity()
    local is_done = store:stats().done > 0
    for _, minute in ipairs(list) do minute.handled = is_done and minute.handled or 0 end
    return list, seconds
  end },
  ["ignores the limits of a claim"] = { claim = function(store, limit, lease) return store:claim(limit, lease) end },
  ["counts a claim whose lease has expired as claimed"] = { stats = function(store)
    local stats = store:stats()
    if stats and stats.waiting > 1 then stats.waiting, stats.claimed = stats.waiting - 1, stats.claimed + 1 end
    return stats
  end },
}

describe("the model of an inbox", function()
  for name, methods in pairs(broken) do
    it("finds a store that " .. name .. ", and minimises the operations", function()
      local problem, length = world.explore({ reset = function() return but(methods) end }, SEED, 5000)
      assert.is_string(problem)
      assert.is_true(length <= 10, problem)
    end)
  end

  it("finds a spool that keeps forwarded events", function()
    local problem, length = world.explore({ reset = function()
      return memory(), but { remove = function(store, id, token) return store:complete(id, token) end }
    end }, SEED, 5000)
    assert.is_string(problem)
    assert.is_true(length <= 4, problem)
  end)

  teardown(function()
    remove(base .. ".db")
    remove(base .. ".spool")
    os.remove(base)
  end)

  local function explore(kind, steps)
    local problem = world.explore(kind, SEED, STEPS or steps)
    if problem then error(problem, 0) end
  end

  for _, has_spool in ipairs { false, true } do
    local beside = has_spool and " beside a spool" or ""

    it("agrees with the store in memory" .. beside, function()
      explore(memory_kind(has_spool), 3000)
    end)

    it("agrees with the store in SQLite" .. beside, function()
      explore(sqlite_kind(has_spool), 1000)
    end)

    if redis_server.missing() then
      pending("agrees with the store in Redis" .. beside .. ": " .. redis_server.missing())
    else
      it("agrees with the store in Redis" .. beside, function()
        local server = redis_server.start "--appendfsync no"
        local ok, problem = pcall(explore, redis_kind(server, has_spool), 1000)
        server:stop()
        if not ok then error(problem, 0) end
      end)
    end
  end
end)
