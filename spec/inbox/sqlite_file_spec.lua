-- The file of the store in SQLite: what may happen to it, and what it may be.

local DBI = require "DBI"
local file = require "spec.support.file"
local host = require "apivideo.runtime.host"
local sqlite = require "apivideo.inbox.sqlite"
local sqlite_stores = require "spec.support.sqlite_stores"
local statements = require "apivideo.inbox.sqlite.statements"

local WINDOW, path, open, clean = sqlite_stores.WINDOW, sqlite_stores.path, sqlite_stores.open, sqlite_stores.clean
local sql, write, item, put = sqlite_stores.sql, sqlite_stores.write, sqlite_stores.item, sqlite_stores.put
local claim, unavailable = sqlite_stores.claim, sqlite_stores.unavailable

describe("inbox store sqlite", function()
  before_each(clean)
  teardown(clean)

  describe("a file", function()
    it("is opened at its first use", function()
      open()
      assert.is_nil(io.open(path))
    end)

    it("is not opened before nginx has started its workers", function()
      local phase = host.phase
      finally(function() host.phase = phase end)
      host.phase = function() return "init" end
      local stats, err = open():stats()
      unavailable("init_worker_by_lua", stats, err)
      assert.is_nil(io.open(path))
    end)

    it("stores a pause, and never reuses an id", function()
      local store = open()
      put(store, "a")
      local first = claim(store)
      assert.is_true(store:complete(first.id, first.token))
      assert.equal(1, store:expire(0))
      assert.is_true(store:pause())
      store:close()
      store = open()
      put(store, "b")
      assert.same({}, store:claim(1, 60))
      assert.is_true(store:resume())
      assert.is_true(claim(store).id > first.id)
    end)

    it("can have ids of more than 32 bits", function()
      local store = open()
      put(store, "a")
      sql "UPDATE sqlite_sequence SET seq = 9007199254740000"
      put(store, "b")
      assert.equal(1, claim(store).id)
      local entry = claim(store)
      assert.equal("9007199254740001", ("%.0f"):format(entry.id))
      if math.type then assert.equal("integer", math.type(entry.id)) end
      assert.equal(entry.id, store:list({ state = "claimed" }, { limit = 10, after = 1 })[1].id)
      assert.is_true(store:dead_letter(entry.id, entry.token, "x"))
      assert.equal(1, store:redrive({ id = entry.id }, { limit = 1 }))
      assert.equal(1, #store:list({ state = "waiting" }, { limit = 10, after = 1 }))
    end)

    it("can be empty", function()
      write ""
      assert.is_true(put(open(), "a"))
      assert.equal(4, sql("PRAGMA user_version")[1][1])
    end)

    it("of a newer version is rejected and unchanged", function()
      local store = open()
      put(store, "a")
      store:close()
      sql "PRAGMA user_version = 99"
      store = open()
      unavailable("schema version 99, of a newer apivideo; this apivideo knows %d+; upgrade apivideo",
        store:put({ item "b" }, WINDOW))
      assert.equal(99, sql("PRAGMA user_version")[1][1])
      sql "PRAGMA user_version = 4"
      assert.is_false(put(store, "a"))
    end)

    it("of another application is rejected and unchanged", function()
      sql "CREATE TABLE events (day TEXT)"
      unavailable("tables of another application", open():stats())
      assert.equal(1, sql("SELECT count(*) FROM sqlite_master")[1][1])
      assert.equal("delete", sql("PRAGMA journal_mode")[1][1])
    end)

    it("that is not a database is rejected until it is one", function()
      local store = open()
      write(("no database "):rep(100))
      unavailable("not a database.*another path", store:stats())
      unavailable("not a database", store:put({ item "a" }, WINDOW))
      os.remove(path)
      assert.is_true(put(store, "a"))
    end)

    it("that is damaged is rejected until it is repaired", function()
      local store = open()
      for i = 1, 200 do put(store, tostring(i)) end
      store:close()
      store = open()
      local whole = file.read(path)
      write(whole:sub(1, 4096) .. ("\255"):rep(#whole - 4096))
      unavailable("malformed.*recover", store:put({ item "new" }, WINDOW))
      unavailable("malformed", store:claim(1, 60))
      write(whole)
      assert.is_false(put(store, "1"))
      assert.is_true(put(store, "new"))
    end)

    it("in a missing directory is rejected until the directory exists", function()
      local store = open(path .. "/inbox.db")
      write "" -- permissions would not restrict root
      local names_path = "inbox " .. path:gsub("%p", "%%%0") .. "/inbox%.db: unable to open database file: "
      unavailable(names_path .. "Not a directory; its directory must exist", store:put({ item "a" }, WINDOW))
      os.remove(path)
      unavailable(names_path .. "No such file or directory; its directory", store:stats())
      os.execute("mkdir " .. path)
      assert.is_true(put(store, "a"))
      store:close()
      os.execute("rm -r " .. path)
    end)

    it("can have any neighbor: opening it changes and removes no other file", function()
      local neighbor = path .. "-probe"
      file.write(neighbor, "a file of the user")
      assert.is_true(put(open(), "a"))
      assert.equal("a file of the user", file.read(neighbor))
      os.remove(neighbor)
    end)

    it("can have a name that is as long as SQLite allows", function()
      local directory = path .. ".d"
      os.execute("mkdir " .. directory)
      local long = directory .. "/" .. ("n"):rep(255 - #"-journal")
      assert.is_true(put(open(long), "a"))
      clean()
      os.execute("rm -r " .. directory)
    end)

    it("leaves no other file in its directory when it is opened", function()
      local directory = path .. ".d"
      os.execute("mkdir " .. directory)
      assert.is_true(put(open(directory .. "/inbox.db"), "a"))
      local listing = io.popen("ls -A " .. directory)
      local names = listing:read "*a"
      listing:close()
      clean()
      os.execute("rm -r " .. directory)
      assert.equal("inbox.db\ninbox.db-shm\ninbox.db-wal\n", names)
    end)

    it("is opened without a write if it is ready for use", function()
      local store = open()
      put(store, "a")
      local prepared = {}
      local db = assert(DBI.Connect("SQLite3", ":memory:"))
      local methods = getmetatable(db).__index
      local prepare = methods.prepare
      methods.prepare = function(self, text)
        prepared[#prepared + 1] = text
        return prepare(self, text)
      end
      finally(function() methods.prepare = prepare end)
      assert.equal(1, assert(open():stats()).waiting)
      assert.is_nil(table.concat(prepared, "\n"):find("IMMEDIATE", 1, true))
    end)

    it("has small pages if it is new, with either journal; one that exists keeps its own", function()
      local function page_size_with(journal)
        local store = sqlite { path = path, journal = journal }
        put(store, "a")
        store:close()
        return sql("PRAGMA page_size")[1][1]
      end
      for _, journal in ipairs { "wal", "delete" } do
        clean()
        assert.equal(2048, page_size_with(journal))
        clean()
        sql "PRAGMA user_version = 0" -- writes the first page
        assert.equal(4096, page_size_with(journal))
      end
    end)

    it("on a full disk is rejected, and has all acknowledged events when there is space again", function()
      local store = open()
      put(store, "a")
      store.db:pragma "max_page_count = 60"
      local kept, err = 0, nil
      repeat
        local results, problem = store:put({ item(tostring(kept + 1), { raw = ("x"):rep(1000) }) }, WINDOW)
        if results then kept = kept + 1 else err = problem end
      until err or kept > 1000
      unavailable("database or disk is full; free some space", nil, err)
      assert.equal(kept + 1, #assert(store:list({ state = "waiting" }, { limit = 1000 })))
      assert.is_true(put(store, tostring(kept + 1)))
    end)

    it("needs SQLite 3.24; the error names the version in use", function()
      local library = statements.library
      finally(function() statements.library = library end)
      for _, version in ipairs { "3.23.1", "3.7.17", "2.8.17", "3.9" } do
        statements.library = ("SELECT '%s'"):format(version)
        local text = "SQLite 3.24 or newer is needed, and LuaDBI uses " .. version:gsub("%.", "%%.")
        unavailable(text .. "; update libsqlite3", open():stats())
      end
      for _, version in ipairs { "3.24.0", "3.31.1", "4.0", "3.100.2" } do
        statements.library = ("SELECT '%s'"):format(version)
        assert.is_table(assert(open():stats()))
      end
    end)

    it("is used without SQL that older versions of SQLite lack", function()
      for name, text in pairs(statements) do
        assert.is_nil(text:find("sqlite_schema", 1, true), name) -- SQLite 3.33
        assert.is_nil(text:find("RETURNING", 1, true), name)     -- SQLite 3.35
      end
    end)

    for name, remove in pairs {
      ["is deleted"] = function() os.execute("rm " .. path .. "*") end,
      ["is moved"] = function() assert(os.rename(path, path .. "-old")) end,
      ["loses its -wal"] = function() assert(os.remove(path .. "-wal")) end,
    } do
      it("that " .. name .. " while it is open is rejected once, and no acknowledged event is lost", function()
        local store = open()
        assert(store:put({ item "before" }, WINDOW))
        remove()
        local ok, err = store:put({ item "into the old file" }, WINDOW)
        os.remove(path .. "-old")
        assert.is_nil(ok)
        assert.equal("store_unavailable", err.kind)
        assert.matches("deleted, moved or replaced while it was open; end all processes", err.message, 1, true)
        assert.same({ true }, store:put({ item "after" }, WINDOW))
        local waiting = open():list({ state = "waiting" }, { limit = 9 })
        assert.equal("after", waiting[#waiting].raw)
      end)
    end

    it("that replaces another has no event for which a claim of the old file is valid", function()
      local before = open()
      put(before, "a")
      local lost = claim(before)
      os.execute("rm " .. path .. "*")
      local after = open()
      put(after, "b")
      local entry = claim(after)
      assert.equal(lost.id, entry.id)
      before:stats() -- notices it
      assert.is_false(before:complete(lost.id, lost.token))
      assert.is_true(after:complete(entry.id, entry.token))
    end)

    it("that is a directory is rejected", function()
      os.execute("mkdir " .. path)
      unavailable("is a directory; name a file in it", open():stats())
      unavailable("is a directory; name a file in it", open(path .. "/"):stats())
      os.execute("rmdir " .. path)
    end)
  end)
end)
