-- A migration of a SQLite inbox as a process: beside writers, and on a full disk.

local cjson = require "cjson"
local compile = require "spec.support.compile"
local earlier_inboxes = require "spec.support.earlier_inboxes"
local file = require "spec.support.file"
local mounting = require "spec.support.mounting"
local process = require "spec.support.process"
local sqlite_stores = require "spec.support.sqlite_stores"

local path, sql, clean = sqlite_stores.path, sqlite_stores.sql, sqlite_stores.clean

-- Runs the command. Returns its output and exit status.
local function migrate(...)
  return process.start({ "bin/apivideo", "inbox", "migrate", "--store", "sqlite:" .. path, ... }):finish(60)
end

describe("inbox migrate #process", function()
  before_each(clean)
  teardown(clean)

  it("prints what it would do, and changes nothing", function()
    earlier_inboxes.sqlite(3, path)
    local before = file.read(path)
    local output, status = migrate "--dry-run"
    assert.equal(0, status, output)
    assert.matches("^version 3 would become %d+: the column events.type, .*the types of entries, the index events_type,"
      .. ".*without the index events_ended, .*; 7 entries to examine\n$", output)
    assert(before == file.read(path), "the file was changed")
  end)

  it("migrates, prints how long it took, and has nothing to do afterwards", function()
    earlier_inboxes.sqlite(3, path)
    local output, status = migrate "--json"
    assert.equal(0, status, output)
    local facts = cjson.decode(output)
    assert.same({ 3, 6, false }, { facts.from, facts.filled, facts.dry_run })
    assert.is_true(facts.seconds >= 0)
    output, status = migrate()
    assert.equal(0, status)
    assert.matches("^version %d+, which is the newest; 0 entries completed in %d+%.%d s\n$", output)
    output, status = migrate "--dry-run"
    assert.equal(0, status)
    assert.matches("^version %d+, which is the newest\n$", output)
  end)

  it("rejects a file that does not exist, one of another application, an empty one, and a newer one", function()
    local output, status = migrate()
    assert.equal(2, status)
    assert.matches("No such file or directory; correct --store, or start the program", output, 1, true)
    assert.is_nil(io.open(path))
    file.write(path, "")
    output, status = migrate()
    assert.equal(1, status)
    assert.matches("it is empty, and no inbox", output, 1, true)
    sql "CREATE TABLE x (y)"
    output, status = migrate()
    assert.equal(1, status)
    assert.matches(path .. ": it has tables of another application", output, 1, true)
    clean()
    earlier_inboxes.sqlite(4, path)
    sql "PRAGMA user_version = 9"
    output, status = migrate()
    assert.equal(1, status)
    assert.matches("this file has schema version 9, of a newer apivideo; this apivideo knows %d+; upgrade apivideo",
      output)
  end)

  it("lets others write, and completes what they write", function()
    earlier_inboxes.sqlite(3, path)
    earlier_inboxes.add(path, 5000)
    local writer = process.start { "-e", ([[
      local core = require "apivideo.core"
      local db = assert(require("DBI").Connect("SQLite3", %q))
      db:autocommit(true)
      local function execute(text) assert(assert(db:prepare(text)):execute()) end
      execute "PRAGMA busy_timeout = 5000"
      execute "PRAGMA journal_mode = WAL"
      local longest, count = 0, 0
      print "started" io.stdout:flush()
      while not io.open(%q) do
        local began = core.monotonic()
        count = count + 1
        execute(("INSERT INTO events (identity, state, verified, received_at, stored_at, raw)"
          .. " VALUES ('w%%d', 'ready', 1, 1, 1, '{\"type\":\"video.w\"}')"):format(count))
        longest = math.max(longest, core.monotonic() - began)
        require("apivideo").sleep(0.001)
      end
      print(("longest %%.3f count %%d"):format(longest, count))
    ]]):format(path, path .. ".stop") }
    finally(function() os.remove(path .. ".stop") end)
    writer:wait_for "started"
    local output, status = migrate "--json"
    assert.equal(0, status, output)
    local filled = cjson.decode(output).filled
    file.write(path .. ".stop", "")
    local printed
    printed, status = writer:finish()
    assert.equal(0, status, printed)
    local longest, count = printed:match "longest ([%d.]+) count (%d+)"
    assert.is_true(tonumber(longest) < 5, printed)
    assert.is_true(tonumber(count) > 20, printed)
    assert.is_true(filled > 5006, tostring(filled))
    migrate()
    assert.equal(5000, sql("SELECT count(*) FROM events WHERE type = 'video.n'")[1][1])
    assert.equal(tonumber(count), sql("SELECT count(*) FROM events WHERE type = 'video.w'")[1][1])
  end)

  it("fails on a full disk, where the file stays usable, and succeeds when there is space", function()
    if mounting.missing() then pending(mounting.missing()) end
    earlier_inboxes.sqlite(3, path)
    earlier_inboxes.add(path, 4000)
    local directory = path .. ".d"
    compile.run("mkdir " .. directory)
    -- In a mount of its own, which ends with the shell.
    local script = ([[unshare -m sh -c '
      mount -t tmpfs -o size=2m none %s || exit 9
      cd %s && cp %s inbox.db && { head -c 3m /dev/zero > full 2> /dev/null; true; }
      truncate -s -50000 full
      "$@"; echo "status $?"
      echo "library: $(%s)"
      sqlite3 inbox.db "PRAGMA integrity_check; PRAGMA user_version; SELECT count(*) FROM events"
      rm full
      "$@"; echo "status $?"
      sqlite3 inbox.db "PRAGMA integrity_check; PRAGMA user_version"
    ' sh %s 2>&1]]):format(directory, directory, path,
      process.command({ "-e", "print(select(2, require('apivideo.inbox.sqlite') { path = 'inbox.db' }:open()))" })
        :gsub("'", "'\\''"):gsub("%%", "%%%%"),
      process.command { compile.run "pwd":gsub("\n", "") .. "/bin/apivideo", "inbox", "migrate", "--store",
        "sqlite:inbox.db" })
    local output = compile.run(script)
    compile.run("rmdir " .. directory)
    if output:find "Operation not permitted" or output:find "permission denied" then
      return pending("tmpfs cannot be mounted here: " .. output)
    end
    local full, after = output:match "^(.*)status 1\n(.*)$"
    assert.truthy(full, output)
    assert.matches("database or disk is full", full, 1, true)
    assert.matches("^library: sqlite: store_unavailable: inbox inbox.db: database or disk is full; free some"
      .. " space[^\n]*\nok\n3\n4008\n"
      .. "version 3 became %d+: .*; %d+ entries completed in [%d.]+ s\nstatus 0\nok\n4\n$", after)
  end)
end)
