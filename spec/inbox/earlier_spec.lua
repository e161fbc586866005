-- Programs of earlier versions use an inbox while this version migrates and uses it. Needs trees with their code:
-- tools/check-upgrade builds them from the history, for LuaJIT.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local migrate_redis = require "apivideo.inbox.redis.migrate"
local migrate_sqlite = require "apivideo.inbox.sqlite.migrate"
local redis_stores = require "spec.support.redis_stores"
local running = require "spec.support.running"
local sqlite_stores = require "spec.support.sqlite_stores"
local wait_for = require "spec.support.wait"

local path, sql = sqlite_stores.path, sqlite_stores.sql

local trees = {} -- version of the schema -> directory
for version, directory in (os.getenv "APIVIDEO_EARLIER" or ""):gmatch "(%d+):([^\n]+)" do
  trees[tonumber(version)] = directory
end

if not next(trees) or not rawget(_G, "jit") then
  pending "earlier versions use an inbox: run tools/check-upgrade"
  return
end

-- The program puts events and handles them, until its input ends. It prints failures, and at the end how many it put.
local PROGRAM = [[
  local apivideo = require "apivideo"
  local inbox = apivideo.inbox { store = apivideo.inbox.%s }
  local name, count, handled = %q, 0, 0
  local function check(ok, err)
    if not ok then print("failed: " .. tostring(err)) end
    return ok
  end
  local stop = io.open(%q)
  while not stop do
    local raw = ('{"type":"video.caption.generated","emittedAt":"2024-08-08T14:12:18.000Z","videoId":"vi_%%s",'
      .. '"captionId":"%%s-%%d","language":"en"}'):format(name, name, count + 1)
    if check(inbox:put { event = assert(apivideo.parse(raw)), raw = raw, verified = true }) then count = count + 1 end
    local claims = check(inbox:claim())
    if claims and claims[1] and check(claims[1]:complete()) then handled = handled + 1 end
    if count == 20 then print "started" io.stdout:flush() end
    apivideo.sleep(0.001)
    stop = io.open(%q)
  end
  inbox:close()
  local again = apivideo.inbox { store = apivideo.inbox.%s }
  print("again", again:stats())
  print(("end %%d %%d"):format(count, handled))
]]

describe("programs of earlier versions", function()
  local stop

  before_each(function()
    sqlite_stores.clean()
    stop = os.tmpname()
    os.remove(stop)
  end)

  after_each(function()
    running.stop() -- what a failed test has left: without the file, a program does not end
    os.remove(stop)
  end)
  teardown(sqlite_stores.clean)

  -- Starts the program with the code of a version; without one, of this version.
  local function start(version, store, name)
    local tree = trees[version]
    local program = PROGRAM:format(store, name, stop, stop, store)
    local environment = tree
      and ("LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/build/jit/?.so;;'"):format(tree, tree, tree)
    return running.process({ "-e", program }, environment)
  end

  -- Ends programs. Returns their outputs, how many events they put, and how many they handled.
  local function finish(programs)
    assert(io.open(stop, "w")):close()
    local outputs, put, handled = {}, 0, 0
    for i, program in ipairs(programs) do
      local output, status = program:finish()
      assert.equal(0, status, output)
      local own_put, own_handled = output:match "end (%d+) (%d+)"
      outputs[i], put, handled = output, put + own_put, handled + own_handled
    end
    return outputs, put, handled
  end

  -- Asserts that nothing was lost: each event was handled, or waits.
  local function assert_complete(inbox, put, handled)
    local stats = assert(inbox:stats())
    assert.equal(put, stats.done + stats.waiting + stats.claimed)
    assert.equal(handled, stats.done)
    assert.equal(0, stats.dead)
  end

  for version = 1, 3 do
    it(("of schema %d continue during a migration of SQLite, and fail after a restart"):format(version), function()
      local store = ("sqlite { path = %q }"):format(path)
      local earlier = { start(version, store, "a"), start(version, store, "b") }
      for _, each in ipairs(earlier) do each:wait_for "started" end
      local facts = assert(migrate_sqlite.run(path, {}))
      assert.equal(version, facts.from)
      earlier[3] = start(nil, store, "new")
      earlier[3]:wait_for "started"
      local before = sql("SELECT count(*) FROM events")[1][1]
      wait_for(function() return sql("SELECT count(*) FROM events")[1][1] > before + 50 end, "more events")
      local outputs, put, handled = finish(earlier)
      for i, output in ipairs(outputs) do
        assert.is_nil(output:find "failed", output)
        if i < 3 then assert.matches("again\tnil\t.*a newer apivideo", output) end
      end
      assert(migrate_sqlite.run(path, {}))
      local inbox = apivideo.inbox { store = sqlite_stores.open() }
      assert_complete(inbox, put, handled)
      assert.equal(inbox:count { state = "waiting" },
        inbox:count { state = "waiting", type = "video.caption.generated" })
    end)
  end

  it("of schema 4 continue with SQLite, also when they are restarted", function()
    local store = ("sqlite { path = %q }"):format(path)
    local programs = { start(4, store, "a"), start(4, store, "b") }
    for _, each in ipairs(programs) do each:wait_for "started" end
    programs[3] = start(nil, store, "new")
    programs[3]:wait_for "started"
    programs[4] = start(4, store, "c")
    programs[4]:wait_for "started"
    local outputs, put, handled = finish(programs)
    for _, output in ipairs(outputs) do
      assert.is_nil(output:find "failed", output)
      assert.matches("again\ttable", output)
    end
    assert_complete(apivideo.inbox { store = sqlite_stores.open() }, put, handled)
  end)

  redis_stores.describe("in Redis", function()
    for _, version in ipairs { 1, 2, 3, 4 } do
      it(("of schema %d continue"):format(version), function()
        local server = redis_stores.server()
        local store = ("redis { port = %d }"):format(server.port)
        local programs = { start(version, store, "a"), start(nil, store, "new") }
        for _, each in ipairs(programs) do each:wait_for "started" end
        assert(migrate_redis.run({ port = server.port }, {}))
        programs[3] = start(version, store, "b")
        programs[3]:wait_for "started"
        local outputs, put, handled = finish(programs)
        for _, output in ipairs(outputs) do
          assert.is_nil(output:find "failed", output)
          assert.matches("again\ttable", output)
        end
        assert(migrate_redis.run({ port = server.port }, {}))
        local inbox = apivideo.inbox { store = redis_stores.open() }
        assert_complete(inbox, put, handled)
        local raw = inboxes.caption "later"
        assert.is_true(inbox:put { event = apivideo.parse(raw), raw = raw, verified = true })
      end)
    end
  end)
end)
