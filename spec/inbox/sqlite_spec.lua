local DBI = require "DBI"
local conformance = require "spec.support.inbox_conformance"
local core = require "apivideo.core"
local inboxes = require "spec.support.inboxes"
local is_below = require "spec.support.is_below"
local misuse = require "spec.support.misuse"
local packages = require "apivideo.util.packages"
local sqlite = require "apivideo.inbox.sqlite"
local sqlite_stores = require "spec.support.sqlite_stores"
local statements = require "apivideo.inbox.sqlite.statements"
local wait_for = require "spec.support.wait"

local WINDOW, path, open, clean = sqlite_stores.WINDOW, sqlite_stores.path, sqlite_stores.open, sqlite_stores.clean
local sql, item, put = sqlite_stores.sql, sqlite_stores.item, sqlite_stores.put
local claim, unavailable = sqlite_stores.claim, sqlite_stores.unavailable

conformance("sqlite", {
  open = function()
    clean()
    return open()
  end,
  again = open,
  unwritable = sqlite_stores.unwritable,
  inherited = "rejects",
})

describe("inbox store sqlite", function()
  before_each(clean)
  teardown(clean)

  describe("options", function()
    it("are checked", function()
      local function make(options)
        local store = sqlite(options)
        return store
      end
      assert.matches("path", misuse(function() make {} return 1 end))
      assert.matches("did you mean \"path\"", misuse(function() make { paht = "x" } return 1 end))
      assert.truthy(misuse(function() make "inbox.db" return 1 end):find('got string; write { path = "…" }', 1, true))
      assert.matches("must be a string", misuse(function() make { path = 1 } return 1 end))
      for _, name in ipairs { "", ":memory:", "inbox.db\0" } do
        assert.matches("must name a file", misuse(function() make { path = name } return 1 end))
      end
      assert.matches('got ""$', misuse(function() make { path = "" } return 1 end))
      assert.matches("each process would have its own; a store in memory, for tests, is apivideo.inbox.memory()",
        misuse(function() make { path = ":memory:" } return 1 end), 1, true)
      assert.matches('"journal" must be "wal" or "delete", got "off"',
        misuse(function() make { path = "x", journal = "off" } return 1 end))
    end)

    it("raise with the name of a missing package", function()
      local loaded = package.loaded["dbd.sqlite3"]
      package.loaded["dbd.sqlite3"] = nil
      package.preload["dbd.sqlite3"] = function() error "no such thing" end
      local ok, message = pcall(sqlite, { path = path })
      package.preload["dbd.sqlite3"], package.loaded["dbd.sqlite3"] = nil, loaded
      assert.is_false(ok)
      assert.matches(packages.remedy "LuaDBI", message, 1, true)
    end)
  end)

  describe("many dead letters", function()
    it("are redriven and purged in batches", function()
      local store, items = open(), {}
      for i = 1, 2500 do items[i] = item(tostring(i)) end
      assert(store:put(items, WINDOW))
      for _, entry in ipairs(assert(store:claim(2500, 600))) do
        assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
      end
      local total, following = 0, nil
      repeat
        local count, last = store:redrive({}, { limit = 1000, after = following })
        total, following = total + count, last
      until not following
      assert.equal(2500, total)
      assert.equal(2500, store:stats().waiting)
      for _, entry in ipairs(assert(store:claim(2500, 600))) do
        assert.is_true(store:complete(entry.id, entry.token))
      end
      assert.equal(1000, store:expire(0))
      assert.equal(1500, store:stats().done)
    end)
  end)

  describe("statements", function()
    local plan_of = sqlite_stores.plan_of

    it("scan no table, and sort nothing", function()
      assert.is_table(open():stats())
      local version = sql("SELECT sqlite_version()")[1][1]
      local function is_slow(text)
        text = text:gsub("SELECT max%(id%) FROM events", "1") -- it reads only the end of the table
        local plan = plan_of(text):gsub("SCAN inbox", ""):gsub("SCAN states", ""):gsub("SCAN sqlite_master", "")
          :gsub("SCAN CONSTANT ROW", ""):gsub("SCAN pragma_[%w_]+ [^\n]*", "") .. "\n" -- they are short
        -- SQLite 3.34 scans this index, which has only the entries that wait; newer versions search it for all of them.
        if is_below(version, "3.36.0") then plan = plan:gsub("SCAN events USING INDEX events_due", "") end
        return plan:find "SCAN" or plan:find "SEARCH events\n" or plan:find "TEMP B%-TREE"
      end
      for name, text in pairs(statements) do assert.is_nil(is_slow(text), name .. ": " .. plan_of(text)) end
      for _, text in ipairs { "SELECT id FROM events WHERE error = ?", "SELECT max(stored_at) FROM events",
        "SELECT id FROM events WHERE state = ? ORDER BY stored_at" } do
        assert.is_truthy(is_slow(text), text)
      end
    end)

    it("leave no transaction open: the log would grow", function()
      local store = open()
      for i = 1, 20 do put(store, tostring(i), { occurrence = tostring(i), lane = tostring(i % 4) }) end
      local entries = assert(store:claim(10, 600))
      for _, call in ipairs {
        { "put", { item("21", { occurrence = "1" }) }, WINDOW }, { "claim", 1, 60 },
        { "list", { state = "waiting" }, { limit = 5 } }, { "list", { state = "claimed" }, { limit = 2 } },
        { "count", {}, {} }, { "stats" }, { "extend", entries[1].id, entries[1].token, 60 },
        { "complete", entries[1].id, entries[1].token }, { "remove", entries[4].id, entries[4].token },
        { "retry", entries[2].id, entries[2].token, 9, "x" }, { "dead_letter", entries[3].id, entries[3].token, "x" },
        { "redrive", {}, { limit = 9 } }, { "purge", { state = "done" }, { limit = 9 } }, { "expire", 0 },
      } do
        assert.is_truthy(store[call[1]](store, (table.unpack or unpack)(call, 2)))
        assert.equal(0, sql("PRAGMA wal_checkpoint(TRUNCATE)")[1][1], call[1])
      end
    end)
  end)

  describe("a connection", function()
    -- Calls a function with each statement that LuaDBI prepares. If it returns a value, that is the error of the call.
    local function watch(see)
      local db = assert(DBI.Connect("SQLite3", ":memory:"))
      local methods = getmetatable(db).__index
      local prepare = methods.prepare
      methods.prepare = function(self, text)
        local result = see(text)
        if result then return nil, result end
        return prepare(self, text)
      end
      finally(function() methods.prepare = prepare end)
    end

    it("syncs puts, and calls of an operator, to the disk", function()
      local store, level = open(), nil
      watch(function(text) level = text:match "^PRAGMA synchronous = (%u+)$" or level end)
      for i = 1, 2 do
        put(store, tostring(i))
        assert.equal("FULL", level)
        local entry = claim(store)
        assert.equal("NORMAL", level)
        assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
        assert.equal("NORMAL", level)
        assert.equal(1, store:redrive({ id = entry.id }, { limit = 1 }))
        assert.equal("FULL", level)
        local again = claim(store)
        assert.is_true(store:extend(again.id, again.token, 60))
        assert.equal("NORMAL", level)
        assert.is_true(store:pause() and store:resume())
        assert.equal("FULL", level)
      end
    end)

    it("sets the journal mode again if another process sets it at the same time", function()
      local refusals = 3
      watch(function(text)
        if text ~= "PRAGMA journal_mode = WAL" or refusals == 0 then return nil end
        refusals = refusals - 1
        return "Error preparing statement handle: database is locked"
      end)
      assert.is_true(put(open(), "a"))
      assert.equal(0, refusals)
      refusals = 100
      unavailable(": database is locked; another process", open():stats())
    end)

    it("is closed with the store, and after a failure", function()
      local function count()
        local files = io.popen "ls -l /proc/$PPID/fd"
        local _, number = files:read "*a":gsub(path, "")
        files:close()
        return number
      end
      local store = open()
      put(store, "a")
      assert.is_true(count() > 0)
      sql "DROP TABLE inbox"
      unavailable("no such table", store:claim(1, 60))
      assert.equal(0, count())
      unavailable("no such table", store:stats())
      assert.equal(0, count())
    end)
  end)

  describe("a claim", function()
    it("is completed together with others, unless it is lost", function()
      local store = open()
      for _, key in ipairs { "a", "b", "c" } do put(store, key, { lane = key ~= "c" and "l" or nil }) end
      local first, third = claim(store), claim(store)
      local gone = { id = third.id, token = third.token + 1 }
      assert.same({ true, false, true }, store:complete_all { first, gone, third })
      assert.same({ false }, store:complete_all { first })
      assert.equal("b", claim(store).raw)
      assert.equal(2, store:stats().done)
    end)

    it("is lost when its lease has expired, before any process has recovered it", function()
      local store = open()
      put(store, "a")
      local entry, ends = claim(store, 0.01), core.monotonic() + 0.01
      wait_for(function() return core.monotonic() > ends end)
      assert.is_false(store:extend(entry.id, entry.token, 60))
      assert.is_false(store:complete(entry.id, entry.token))
      assert.is_false(store:retry(entry.id, entry.token, 0, "x"))
      assert.is_false(store:dead_letter(entry.id, entry.token, "x"))
      local stats = store:stats()
      assert.equal(1, stats.waiting)
      assert.equal(0, stats.claimed)
    end)
  end)

  describe("the clock", function()
    -- A closed store with an entry in each state; and its claim.
    local function some()
      local store = open()
      for _, key in ipairs { "done", "held", "late", "free" } do put(store, key, { occurrence = key }) end
      local done, held, late = claim(store), claim(store), claim(store)
      assert.is_true(store:complete(done.id, done.token))
      assert.is_true(store:retry(late.id, late.token, 600, "x"))
      store:close()
      return held
    end

    -- Asserts that leases and delays have expired, and that all else is unchanged.
    local function goes_on(held)
      local store = open()
      assert.is_false(store:extend(held.id, held.token, 60))
      assert.same({ "held", "late", "free" }, inboxes.raws_of(assert(store:claim(10, 600))))
      assert.equal("occurrence", put(store, "again", { occurrence = "free" }))
      assert.equal(0, store:expire(60))
      local oldest = store:stats().oldest
      assert.is_true(oldest >= 0 and oldest < 60)
      store:close()
      assert.same({}, inboxes.raws_of(assert(open():claim(10, 600)))) -- not again
    end

    it("preserves leases and delays while the machine runs", function()
      local held = some()
      local store = open()
      assert.same({ "free" }, inboxes.raws_of(assert(store:claim(10, 600))))
      assert.is_true(store:extend(held.id, held.token, 60))
    end)

    it("continues after a restart of the machine, when all leases and delays expire", function()
      local held = some()
      sql "UPDATE inbox SET boot = 'another', clock = clock + 1000000"
      goes_on(held)
    end)

    it("continues from the latest time, for any age of the last entry", function()
      local store = open()
      put(store, "a", { age = 10 })
      put(store, "b", { age = 1000 })
      store:close()
      sql "UPDATE inbox SET boot = 'another', clock = clock + 1000000"
      local entries = assert(open():claim(2, 60))
      assert.is_true(entries[1].age < 60 and entries[2].age < 1060)
      assert.equal(990, math.floor(entries[2].age - entries[1].age + 0.5))
    end)

    it("keeps the named states of before a restart, however old the file is", function()
      put(open(), "a")
      sql "UPDATE inbox SET clock = clock + 10000000"
      local store = open()
      put(store, "b")
      local token = assert(store:acquire("x", 60, 0)).token
      assert.is_true(store:save("x", token, "saved", 60))
      store:close()
      sql "UPDATE inbox SET boot = 'another', clock = clock + 1000000"
      store = open()
      assert.is_truthy(store:acquire("y", 60, 0))
      local _, seconds = store:acquire("x", 60, 100)
      assert.is_true(seconds <= 100)
      assert.equal("saved", store:acquire("x", 60, 0).value)
    end)

    it("makes probes due after a restart of the machine, however old the last entry is", function()
      local store = open()
      put(store, "a", { type = "video.a" })
      put(store, "b", { type = "video.b" })
      store:close()
      sql "UPDATE inbox SET clock = clock + 100000" -- a day later, without a new entry
      store = open()
      assert.is_true(store:pause("video.a", 30, "reason"))
      assert.is_true(store:pause "video.b")
      store:close()
      sql "UPDATE inbox SET boot = 'another', clock = clock + 1000000"
      store = open()
      assert.equal(0, store:stats().paused_types[1].probe_in)
      assert.is_nil(store:stats().paused_types[2].probe_in)
      local entries = assert(store:claim(2, 60))
      assert.same({ "a" }, inboxes.raws_of(entries))
      assert.equal(30, entries[1].probe)
    end)

    it("detects a restart also where the kernel has no boot id", function()
      local held = some()
      sql "UPDATE inbox SET clock = clock - 1000000"
      goes_on(held)
    end)
  end)
end)
