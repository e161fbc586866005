local DBI = require "DBI"
local conformance = require "spec.support.inbox_conformance"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"
local sqlite = require "apivideo.inbox.sqlite"
local statements = require "apivideo.inbox.sqlite_statements"

local WINDOW = 20

local path = os.tmpname()
local opened = {}

local function open(at)
  local store = sqlite { path = at or path }
  opened[#opened + 1] = store
  return store
end

local function clean()
  for _, store in ipairs(opened) do store:close() end
  opened = {}
  for _, ending in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(path .. ending) end
end

conformance("sqlite", {
  open = function()
    clean()
    return open()
  end,
  again = open,
})

-- Executes SQL on the file, as another program would; its rows.
local function sql(text, ...)
  local db = assert(DBI.Connect("SQLite3", path))
  db:autocommit(true)
  local statement = assert(db:prepare(text))
  assert(statement:execute(...))
  local rows = {}
  for row in statement:rows() do rows[#rows + 1] = row end
  statement:close()
  db:close()
  return rows
end

local function write(text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function item(key, more)
  local result = { key = key, raw = key, verified = true, received_at = 1700000000 }
  for name, value in pairs(more or {}) do result[name] = value end
  return result
end

local function put(store, ...)
  return assert(store:put({ item(...) }, WINDOW))[1]
end

local function claim(store, lease)
  return assert(store:claim(1, lease or 600))[1]
end

-- That a call has failed with a message.
local function refused(pattern, result, err)
  assert.is_nil(result)
  assert.equal("store_unavailable", err.kind)
  assert.is_true(err.retryable)
  assert.matches(path, err.message, 1, true)
  assert.matches(pattern, err.message)
end

describe("inbox store sqlite", function()
  before_each(clean)
  teardown(clean)

  describe("options", function()
    it("are checked", function()
      local function make(given)
        local store = sqlite(given)
        return store
      end
      assert.matches("path", misuse(function() make {} return 1 end))
      assert.matches("did you mean \"path\"", misuse(function() make { paht = "x" } return 1 end))
      assert.matches("must be a string", misuse(function() make { path = 1 } return 1 end))
    end)

    it("tell which package is missing", function()
      local loaded = package.loaded["dbd.sqlite3"]
      package.loaded["dbd.sqlite3"] = nil
      package.preload["dbd.sqlite3"] = function() error "no such thing" end
      local ok, message = pcall(sqlite, { path = path })
      package.preload["dbd.sqlite3"], package.loaded["dbd.sqlite3"] = nil, loaded
      assert.is_false(ok)
      assert.matches("lua-dbi-sqlite3 (Debian)", message, 1, true)
      assert.matches("luadbi-sqlite3 (LuaRocks)", message, 1, true)
    end)
  end)

  describe("a file", function()
    it("is opened when it is first used", function()
      open()
      assert.is_nil(io.open(path))
    end)

    it("is not opened before nginx has its workers", function()
      local before = rawget(_G, "ngx")
      rawset(_G, "ngx", { get_phase = function() return "init" end })
      local stats, err = open():stats()
      rawset(_G, "ngx", before)
      refused("init_worker_by_lua", stats, err)
      assert.is_nil(io.open(path))
    end)

    it("keeps a pause, and never uses an id again", function()
      local store = open()
      put(store, "a")
      local first = claim(store)
      assert.is_true(store:complete(first.id, first.token))
      assert.equal(1, store:purge("done", 0))
      assert.is_true(store:pause())
      store:close()
      store = open()
      put(store, "b")
      assert.same({}, store:claim(1, 60))
      assert.is_true(store:resume())
      assert.is_true(claim(store).id > first.id)
    end)

    it("may have ids of more than 32 bits", function()
      local store = open()
      put(store, "a")
      sql "UPDATE sqlite_sequence SET seq = 9007199254740000"
      put(store, "b")
      assert.equal(1, claim(store).id)
      local entry = claim(store)
      assert.equal("9007199254740001", ("%.0f"):format(entry.id))
      if math.type then assert.equal("integer", math.type(entry.id)) end
      assert.equal(entry.id, store:list("claimed", 10, 1)[1].id)
      assert.is_true(store:bury(entry.id, entry.token, "x"))
      assert.equal(1, store:redrive(entry.id))
      assert.equal(1, #store:list("waiting", 10, 1))
    end)

    it("is an empty one, too", function()
      write ""
      assert.is_true(put(open(), "a"))
      assert.equal(1, sql("PRAGMA user_version")[1][1])
    end)

    it("of a newer version is refused, and left alone", function()
      put(open(), "a")
      clean()
      put(open(), "a")
      sql "PRAGMA user_version = 99"
      opened[#opened]:close()
      local store = open()
      refused("newer apivideo.*99", store:put({ item "b" }, WINDOW))
      assert.equal(99, sql("PRAGMA user_version")[1][1])
      sql "PRAGMA user_version = 1"
      assert.is_false(put(store, "a"))
    end)

    it("of another application is refused, and left alone", function()
      sql "CREATE TABLE events (day TEXT)"
      refused("another application's", open():stats())
      assert.equal(1, sql("SELECT count(*) FROM sqlite_master")[1][1])
      assert.equal("delete", sql("PRAGMA journal_mode")[1][1])
    end)

    it("that is no database is refused until it is one", function()
      local store = open()
      write(("no database "):rep(100))
      refused("not a database.*another path", store:stats())
      refused("not a database", store:put({ item "a" }, WINDOW))
      os.remove(path)
      assert.is_true(put(store, "a"))
    end)

    it("that is damaged is refused until it is whole", function()
      local store = open()
      for i = 1, 200 do put(store, tostring(i)) end
      store:close()
      store = open()
      local file = assert(io.open(path, "rb"))
      local whole = file:read "*a"
      file:close()
      write(whole:sub(1, 4096) .. ("\255"):rep(#whole - 4096))
      refused("malformed.*recover", store:put({ item "new" }, WINDOW))
      refused("malformed", store:claim(1, 60))
      write(whole)
      assert.is_false(put(store, "1"))
      assert.is_true(put(store, "new"))
    end)

    it("whose directory is missing is refused until it is there", function()
      local store = open(path .. "/inbox.db")
      write "" -- permissions would not keep root from anything
      refused("Not a directory.*its directory must be there", store:put({ item "a" }, WINDOW))
      os.remove(path)
      refused("No such file or directory", store:stats())
      os.execute("mkdir " .. path)
      assert.is_true(put(store, "a"))
      store:close()
      os.execute("rm -r " .. path)
    end)

    it("that is a directory is refused", function()
      os.execute("mkdir " .. path)
      refused("unable to open", open():stats())
      os.execute("rmdir " .. path)
    end)
  end)

  describe("statements", function()
    local function plan_of(text)
      local numbered = 0
      for number in text:gmatch "%?(%d+)" do numbered = math.max(numbered, tonumber(number)) end
      local _, count = text:gsub("%?", "")
      local steps = {}
      for _, row in ipairs(sql("EXPLAIN QUERY PLAN " .. text, (table.unpack or unpack)({}, 1,
        numbered > 0 and numbered or count))) do
        steps[#steps + 1] = row[4]
      end
      return table.concat(steps, "\n")
    end

    it("go through no table, and sort nothing", function()
      assert.is_table(open():stats())
      for name, text in pairs(statements) do
        local plan = plan_of(text)
        -- These have one row, or are looked at when the file is opened.
        plan = plan:gsub("SCAN inbox", ""):gsub("SCAN sqlite_schema", "")
        assert.is_nil(plan:find "SCAN", name .. ": " .. plan)
        assert.is_nil(plan:find "TEMP B%-TREE", name .. ": " .. plan)
      end
      assert.matches("SCAN events", plan_of "SELECT * FROM events WHERE error = ?")
    end)

    it("leave no transaction open, which would let the log grow", function()
      local store = open()
      for i = 1, 20 do put(store, tostring(i), { occurrence = tostring(i), lane = tostring(i % 3) }) end
      local entries = assert(store:claim(10, 600))
      for _, call in ipairs {
        { "put", { item("21", { occurrence = "1" }) }, WINDOW }, { "claim", 1, 60 }, { "list", "waiting", 5, 0 },
        { "list", "claimed", 2, 0 }, { "stats" }, { "extend", entries[1].id, 1, 60 }, { "complete", entries[1].id, 1 },
        { "retry", entries[2].id, 1, 9, "x" }, { "bury", entries[3].id, 1, "x" }, { "redrive" }, { "purge", "done", 0 },
      } do
        assert.is_truthy(store[call[1]](store, (table.unpack or unpack)(call, 2)))
        assert.equal(0, sql("PRAGMA wal_checkpoint(TRUNCATE)")[1][1], call[1])
      end
    end)
  end)

  describe("the clock", function()
    -- A store with something of each kind, closed; and its claim.
    local function some()
      local store = open()
      for _, key in ipairs { "done", "held", "late", "free" } do put(store, key, { occurrence = key }) end
      local done, held, late = claim(store), claim(store), claim(store)
      assert.is_true(store:complete(done.id, done.token))
      assert.is_true(store:retry(late.id, late.token, 600, "x"))
      store:close()
      return held
    end

    local function raws_of(entries)
      local raws = {}
      for i, entry in ipairs(entries) do raws[i] = entry.raw end
      return raws
    end

    -- That leases and delays are void, and all else is as it was.
    local function goes_on(held)
      local store = open()
      assert.is_false(store:extend(held.id, held.token, 60))
      assert.same({ "held", "late", "free" }, raws_of(assert(store:claim(10, 600))))
      assert.is_false(put(store, "again", { occurrence = "free" }))
      assert.equal(0, store:purge("done", 60))
      local oldest = store:stats().oldest
      assert.is_true(oldest >= 0 and oldest < 60)
      store:close()
      assert.same({}, raws_of(assert(open():claim(10, 600)))) -- once only
    end

    it("keeps leases and delays while the machine runs", function()
      local held = some()
      local store = open()
      assert.same({ "free" }, raws_of(assert(store:claim(10, 600))))
      assert.is_true(store:extend(held.id, held.token, 60))
    end)

    it("goes on after a restart of the machine, which ends leases and delays", function()
      local held = some()
      sql "UPDATE inbox SET boot = 'another', clock = clock + 1000000"
      goes_on(held)
    end)

    it("notices one where the kernel has no name for it", function()
      local held = some()
      sql "UPDATE inbox SET clock = clock - 1000000"
      goes_on(held)
    end)
  end)

  describe("processes #process", function()
    -- Starts a process that has a store on the file, and a function that puts an item.
    local function child(script)
      return process.start { "-e", ([[
        local store = require "apivideo.inbox.sqlite" { path = %q }
        local function put(key)
          return store:put({ { key = key, raw = key, verified = true, received_at = 1 } }, 20)
        end
        local function say(...) print(...) io.stdout:flush() end
      ]]):format(path) .. script }
    end

    it("may make the file at once", function()
      for _ = 1, 5 do
        clean()
        local children = {}
        for i = 1, 4 do children[i] = child(("say(assert(put '%d')[1])"):format(i)) end
        for _, each in ipairs(children) do
          each:wait_for "true\n"
          assert.equal(0, each:wait())
        end
        assert.equal(4, open():stats().waiting)
      end
    end)

    it("share it: each event is new once, and handled once", function()
      local children = {}
      for i = 1, 3 do
        children[i] = child [[
          for i = 1, 100 do
            if assert(put(tostring(i)))[1] then say "new" end
            local entry = assert(store:claim(1, 600))[1]
            if entry then
              say("handled " .. entry.raw)
              assert(store:complete(entry.id, entry.token))
            end
          end
          say "end"
        ]]
      end
      local new, handled = 0, {}
      for _, each in ipairs(children) do
        each:wait_for "end\n"
        for line in each:output():gmatch "[^\n]+" do
          local raw = line:match "^handled (%d+)$"
          if line == "new" then new = new + 1 end
          if raw then handled[#handled + 1] = tonumber(raw) end
        end
        assert.equal(0, each:wait())
      end
      table.sort(handled)
      assert.equal(100, new)
      assert.equal(100, #handled)
      for i = 1, 100 do assert.equal(i, handled[i]) end
      assert.equal(100, open():stats().done)
    end)

    it("that are killed lose nothing of what they have put", function()
      local killed = child "for i = 1, 1e9 do assert(put(tostring(i))) say(i) end"
      killed:wait_for "\n50\n"
      killed:kill "KILL"
      local output = killed:output()
      killed:wait()
      local store = open()
      for key in output:gmatch "(%d+)\n" do assert.is_false(put(store, key), key) end
      assert.equal("ok", sql("PRAGMA integrity_check")[1][1])
    end)

    it("whose disk is full fail until there is space", function()
      -- A limit of a file's size stands for the disk; its signal is ignored (which is inherited).
      local script = ([[
        local function limit(bytes) assert(os.execute("prlimit --fsize=" .. bytes .. ": --pid $PPID")) end
        local store = require "apivideo.inbox.sqlite" { path = %q }
        local function put(key)
          return store:put({ { key = key, raw = ("x"):rep(1000), verified = true, received_at = 1 } }, 20)
        end
        limit(262144)
        local kept, failed, err = 0, 0, nil
        repeat -- (there is some space again when the log of the file that is given up has been copied)
          local verdicts, problem = put(tostring(kept + 1))
          if verdicts then kept, failed = kept + 1, 0 else failed, err = failed + 1, problem end
        until failed == 10
        print("kept " .. kept, tostring(err))
        assert(#assert(store:list("waiting", 1000, 0)) == kept)
        limit "unlimited"
        assert(put(tostring(kept + 1))[1])
        for i = 1, kept + 1 do assert(not put(tostring(i))[1]) end
        assert(store:stats().waiting == kept + 1)
        print "over"
      ]]):format(path)
      local output = process.run({ "-e", script }, "--ignore-signal=XFSZ")
      assert.matches("kept %d%d+", output)
      assert.matches("disk I/O error; see whether", output)
      assert.matches("over\n", output)
    end)
  end)
end)
