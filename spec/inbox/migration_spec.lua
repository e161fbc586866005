-- Inboxes of earlier versions are migrated without loss.

local apivideo = require "apivideo"
local earlier_inboxes = require "spec.support.earlier_inboxes"
local migrate_redis = require "apivideo.inbox.redis.migrate"
local migrate_sqlite = require "apivideo.inbox.sqlite.migrate"
local redis_stores = require "spec.support.redis_stores"
local schema = require "apivideo.inbox.sqlite.schema"
local sqlite_stores = require "spec.support.sqlite_stores"
local steps = require "apivideo.inbox.sqlite.steps"

local path, sql, clean = sqlite_stores.path, sqlite_stores.sql, sqlite_stores.clean
local RAW = earlier_inboxes.RAW
local CAPTION = "video.caption.generated"

local function delivery(raw)
  local event, err = apivideo.parse(raw)
  return { event = event, err = err, raw = raw, verified = true }
end

-- The ids of the entries that a filter selects.
local function ids(inbox, filter)
  local list = {}
  for i, entry in ipairs(assert(inbox:list(filter))) do list[i] = entry.id end
  return list
end

-- Claims and completes all events. Returns the bytes and the deliveries by id.
local function handle_all(inbox)
  local handled = {}
  while true do
    local claim = assert(inbox:claim())[1]
    if not claim then return handled end
    assert.is_nil(handled[claim.id])
    handled[claim.id] = claim.delivery
    assert(claim:complete())
  end
end

-- Asserts that an inbox has all that the fixtures have.
local function assert_complete(store, has_state)
  local inbox = apivideo.inbox { store = store, lane = function(event) return event.liveStreamId end }
  assert(inbox:open())
  local stats = assert(inbox:stats())
  assert.same({ 5, 2, 1, true },
    { stats.waiting + stats.claimed, stats.dead, stats.done, stats.paused })
  for _, raw in ipairs(RAW) do assert.is_false(inbox:put(delivery(raw)), raw) end
  assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, ids(inbox))
  local _, lines = 0, 0
  for _ in inbox:export() do lines = lines + 1 end
  assert.equal(8, lines)
  assert.matches("^no such \195\188ser 'x'", assert(inbox:get(2)).error)
  assert.equal(RAW[3], assert(inbox:get(3)).raw)
  assert.equal(1, inbox:redrive { id = 2 })
  assert.same({}, assert(inbox:claim()))
  assert(inbox:resume())
  local handled = handle_all(inbox)
  for id, raw in ipairs(RAW) do
    local each = handled[id]
    if id ~= 1 and id ~= 3 then
      assert.equal(raw, each.raw)
      assert.same({ "webhook_1", 1723126338, "webhook", true },
        { each.webhook_id, each.received_at, each.origin, each.verified })
    else
      assert.is_nil(each)
    end
  end
  assert.equal(7, assert(inbox:stats()).done)
  local state = assert(store:acquire("a task", 1, 0))
  assert.equal(has_state and "where it continues" or nil, state.value)
end

describe("a SQLite inbox", function()
  before_each(clean)
  teardown(clean)

  local function versions()
    return sql("PRAGMA user_version")[1][1], sql("SELECT schema FROM inbox")[1][1]
  end

  for _, version in ipairs(earlier_inboxes.VERSIONS) do
    it(("of version %d is migrated when it is opened, and loses nothing"):format(version), function()
      earlier_inboxes.sqlite(version, path)
      local store = sqlite_stores.open()
      assert(store:open())
      assert.same({ 4, schema.NEWEST }, { versions() })
      local inbox = apivideo.inbox { store = store }
      assert.same({ 2, 4, 5, 6 }, (function()
        local found = ids(inbox, { type = CAPTION })
        if found[1] == 1 then table.remove(found, 1) end -- version 4 keeps the type of events that are done
        return found
      end)())
      assert.same({ 6 }, ids(inbox, { video_id = "vi_waiting" }))
      assert.same({ 2 }, ids(inbox, { type = CAPTION, state = "dead" }))
      assert_complete(store, version >= 3)
    end)

    it(("of version %d is migrated in steps, and loses nothing"):format(version), function()
      earlier_inboxes.sqlite(version, path)
      local facts = assert(migrate_sqlite.run(path, { dry_run = true }))
      assert.same({ version, schema.NEWEST, version < 4 and 7 or 1 }, { facts.from, facts.to, facts.filled })
      assert.equal(version, sql("PRAGMA user_version")[1][1])
      facts = assert(migrate_sqlite.run(path, {}))
      assert.same({ version, schema.NEWEST, version < 4 and 6 or 0 }, { facts.from, facts.to, facts.filled })
      assert.same({ 4, schema.NEWEST }, { versions() })
      assert.same({ 6 }, ids(apivideo.inbox { store = sqlite_stores.open() }, { video_id = "vi_waiting" }))
      assert_complete(sqlite_stores.open(), version >= 3)
    end)
  end

  it("has the types of more entries than one batch", function()
    earlier_inboxes.sqlite(3, path)
    earlier_inboxes.add(path, 2500)
    local counts = {}
    local facts = assert(migrate_sqlite.run(path, { on_progress = function(count) counts[#counts + 1] = count end }))
    assert.equal(2506, facts.filled)
    -- Each batch is a transaction; one entry has no type; the last one looks for later entries.
    assert.same({ 999, 1999, 2506, 2506 }, counts)
    local store = sqlite_stores.open()
    assert.equal(2500, store:count({ type = "video.n" }, {}))
    assert.equal(1, store:count({ video_id = "vi2500" }, {}))
  end)

  it("is migrated by a second run after one that was interrupted", function()
    earlier_inboxes.sqlite(3, path)
    earlier_inboxes.add(path, 1500)
    local ok = pcall(migrate_sqlite.run, path, { on_progress = function() error "interrupted" end })
    assert.is_false(ok)
    assert.equal(3, sql("PRAGMA user_version")[1][1])
    assert(migrate_sqlite.run(path, {}))
    assert.equal(1500, sqlite_stores.open():count({ type = "video.n" }, {}))
    sql "DELETE FROM events WHERE id > 8"
    assert_complete(sqlite_stores.open(), true)
  end)

  it("is migrated when it is opened after a migration that was interrupted at any step", function()
    local run, count = steps.run, 0
    finally(function() steps.run = run end)
    for last = 1, 99 do
      clean()
      earlier_inboxes.sqlite(3, path)
      count = 0
      steps.run = function(...)
        count = count + 1
        if count == last then error "interrupted" end
        return run(...)
      end
      local is_complete = pcall(migrate_sqlite.run, path, {})
      steps.run = run
      if is_complete then break end
      earlier_inboxes.add(path, 2) -- by a program of the earlier version
      local store = sqlite_stores.open()
      assert.equal(2, store:count({ type = "video.n" }, {}), last)
      store:close()
      sql "DELETE FROM events WHERE id > 8"
      assert_complete(sqlite_stores.open(), true)
    end
    assert.is_true(count > 20, count)
  end)

  it("of the newest version has the types of entries that an earlier version added", function()
    assert(sqlite_stores.open():open())
    earlier_inboxes.add(path, 3)
    local facts = assert(migrate_sqlite.run(path, {}))
    assert.same({ schema.NEWEST, schema.NEWEST, 3, {} }, { facts.from, facts.to, facts.filled, facts.steps })
    assert.equal(3, sqlite_stores.open():count({ type = "video.n" }, {}))
  end)

  it("of a newer version that this one can use is used, and keeps its version", function()
    assert(sqlite_stores.open():open())
    sql(("UPDATE inbox SET schema = %d"):format(schema.NEWEST + 1))
    local store = sqlite_stores.open()
    assert.is_true(sqlite_stores.put(store, "a"))
    assert.same({ 4, schema.NEWEST + 1 }, { versions() })
    assert.equal(schema.NEWEST + 1, assert(migrate_sqlite.run(path, {})).to)
    assert.same({ 4, schema.NEWEST + 1 }, { versions() })
  end)

  it("that a newer version changes while it is open is rejected at once", function()
    local store = sqlite_stores.open()
    assert.is_true(sqlite_stores.put(store, "a"))
    sql "PRAGMA user_version = 99"
    for _ = 1, 2 do
      sqlite_stores.unavailable("schema version 99, of a newer apivideo; this apivideo knows %d+; upgrade apivideo",
        store:put({ sqlite_stores.item "b" }, 20))
    end
    local facts, problem = migrate_sqlite.run(path, {})
    assert.is_nil(facts)
    assert.matches("schema version 99", problem)
    sql "PRAGMA user_version = 4"
    assert.is_true(sqlite_stores.put(store, "b"))
  end)
end)

redis_stores.describe("a Redis inbox", function()
  local server
  setup(function() server = redis_stores.server() end)

  for _, version in ipairs(earlier_inboxes.VERSIONS) do
    it(("of version %d is used at once, and loses nothing"):format(version), function()
      earlier_inboxes.redis(version, server)
      assert_complete(redis_stores.open(), version >= 3)
    end)

    it(("of version %d has types after its migration, and loses nothing"):format(version), function()
      earlier_inboxes.redis(version, server)
      local facts = assert(migrate_redis.run({ port = server.port }, { dry_run = true }))
      assert.same({ 4, 5, version < 4 and 6 or 0 }, { facts.from, facts.to, facts.filled })
      assert.equal("", server:command("HGET", "{apivideo}:meta", "schema"))
      facts = assert(migrate_redis.run({ port = server.port }, {}))
      assert.same({ 4, 5, version < 4 and 6 or 0 }, { facts.from, facts.to, facts.filled })
      facts = assert(migrate_redis.run({ port = server.port }, {}))
      assert.same({ 5, 5, 0 }, { facts.from, facts.to, facts.filled })
      local store = redis_stores.open()
      assert.same({ 6 }, ids(apivideo.inbox { store = store }, { type = CAPTION, video_id = "vi_waiting" }))
      assert_complete(store, version >= 3)
    end)
  end

  it("of a newer version is rejected, also while it is open, unless this one can use it", function()
    local store = redis_stores.open()
    assert.is_true(redis_stores.put(store, "a"))
    server:command("HSET", "{apivideo}:meta", "schema", "9", "usable_since", "9")
    for _, each in ipairs { store, redis_stores.open() } do
      assert.matches("these keys have schema version 9, of a newer apivideo; this apivideo knows 5; upgrade apivideo",
        redis_stores.unavailable(each:put({ redis_stores.item "b" }, 20)), 1, true)
      assert.matches("version 9", redis_stores.unavailable(each:list({}, { limit = 1 })))
    end
    server:command("HSET", "{apivideo}:meta", "usable_since", "5")
    assert.is_true(redis_stores.put(store, "b"))
    assert(redis_stores.open():open())
    assert.equal("9", server:command("HGET", "{apivideo}:meta", "schema"))
  end)

  it("that does not exist is not migrated", function()
    local facts, err = migrate_redis.run({ port = server.port, name = "mistyped" }, {})
    assert.is_nil(facts)
    assert.matches("has no inbox of this name", tostring(err))
  end)
end)
