--- The schema of the SQLite store's file, its migrations, and its clock.

local core = require "apivideo.core"
local connection = require "apivideo.inbox.sqlite.connection"
local json = require "apivideo.util.json"

local schema = {}

local APPLICATION = 0x61707669 -- "apvi": what SQLite calls the application_id

local BACKFILL_BATCH = 1000 -- entries whose bytes are in memory at once

-- Sets the columns type and video_id of the entries that have their bytes; those that are done have none.
local function add_types(db)
  local last = 0
  repeat
    local rows = db:query("SELECT CAST(id AS REAL), raw FROM events WHERE id > ?1 AND raw <> '' ORDER BY id LIMIT ?2",
      { last, BACKFILL_BATCH })
    for _, row in ipairs(rows) do
      local event = json.decode(row[2])
      for column, field in pairs { type = "type", video_id = "videoId" } do
        local value = type(event) == "table" and event[field]
        if type(value) == "string" then
          db:query(("UPDATE events SET %s = ?1 WHERE id = ?2"):format(column), { value, row[1] })
        end
      end
      last = row[1]
    end
  until #rows < BACKFILL_BATCH
end

-- Each migration leads to the next version of the file, and is never changed after a release.
--
-- state: ready; delayed (until `due`); claimed (until `due`); blocked, behind another event of its lane; parked, because
-- of its type; or ended: done, dead. `due`, `ended` and `stored_at` are seconds of the store's clock.
local migrations = {
  {
    [[CREATE TABLE events (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      identity TEXT NOT NULL UNIQUE,
      occurrence TEXT,
      lane TEXT,
      state TEXT NOT NULL,
      due REAL,
      ended REAL,
      token INTEGER NOT NULL DEFAULT 0,
      attempt INTEGER NOT NULL DEFAULT 0,
      webhook_id TEXT,
      verified INTEGER NOT NULL,
      received_at REAL NOT NULL,
      stored_at REAL NOT NULL,
      error TEXT,
      raw TEXT NOT NULL)]],
    "CREATE INDEX events_state ON events (state)",
    "CREATE INDEX events_due ON events (due) WHERE due IS NOT NULL",
    "CREATE INDEX events_ended ON events (state, ended) WHERE ended IS NOT NULL",
    "CREATE INDEX events_attempt ON events (attempt) WHERE attempt > 0 AND state <> 'claimed' AND ended IS NULL",
    "CREATE INDEX events_lane ON events (lane, state) WHERE lane IS NOT NULL AND ended IS NULL",
    "CREATE INDEX events_occurrence ON events (occurrence, stored_at) WHERE occurrence IS NOT NULL",
    "CREATE TABLE inbox (paused INTEGER NOT NULL, boot TEXT NOT NULL, clock REAL NOT NULL)",
    "INSERT INTO inbox VALUES (0, '', 0)",
  },
  { "ALTER TABLE events ADD COLUMN origin TEXT NOT NULL DEFAULT 'webhook'" },
  {
    [[CREATE TABLE states (
      name TEXT PRIMARY KEY,
      token INTEGER NOT NULL,
      expires REAL NOT NULL,
      saved_at REAL NOT NULL,
      value TEXT)]],
  },
  {
    "ALTER TABLE events ADD COLUMN type TEXT",
    "ALTER TABLE events ADD COLUMN video_id TEXT",
    "ALTER TABLE events ADD COLUMN attempts TEXT",
    "ALTER TABLE events ADD COLUMN replay INTEGER NOT NULL DEFAULT 0",
    add_types,
    "CREATE INDEX events_type ON events (type) WHERE type IS NOT NULL",
    "CREATE INDEX events_video ON events (video_id) WHERE video_id IS NOT NULL",
    "CREATE INDEX events_dead_type ON events (type) WHERE state = 'dead'",
  },
  {
    "ALTER TABLE events ADD COLUMN detail TEXT",
    "DROP INDEX IF EXISTS events_ended",
    "CREATE INDEX events_ended ON events (state, ended, stored_at, replay) WHERE ended IS NOT NULL",
    [[CREATE TABLE activity (
      minute INTEGER PRIMARY KEY,
      received INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      handled INTEGER NOT NULL DEFAULT 0,
      latency REAL NOT NULL DEFAULT 0,
      replayed INTEGER NOT NULL DEFAULT 0)]],
  },
  {
    "ALTER TABLE inbox ADD COLUMN paused_types TEXT", -- JSON; NULL: none
    "CREATE INDEX events_parked ON events (type) WHERE state = 'parked'",
  },
}

--- What the file of a connection is.
---@param db apivideo.inbox.SqliteConnection
---@return { kind: "inbox"|"empty"|"other", version: integer, newest: integer }
function schema.describe(db)
  local kind = "other"
  if db:pragma "application_id" == APPLICATION then
    kind = "inbox"
  elseif not db:rows("tables")[1] then
    kind = "empty"
  end
  return { kind = kind, version = db:pragma "user_version", newest = #migrations }
end

-- Brings the file to the newest version.
local function migrate(db)
  local version, application = db:pragma "user_version", db:pragma "application_id"
  if application ~= APPLICATION and db:rows("tables")[1] then
    connection.fail("it has tables of another application; give the inbox a separate file")
  elseif version > #migrations then
    connection.fail(("a newer apivideo created it (version %d of the file; this one supports %d); update apivideo")
      :format(version, #migrations))
  elseif version == #migrations then
    return
  end
  for i = version + 1, #migrations do
    for _, step in ipairs(migrations[i]) do
      if type(step) == "function" then step(db) else db:once(step) end
    end
  end
  db:pragma(("application_id = %d"):format(APPLICATION))
  db:pragma(("user_version = %d"):format(#migrations))
end

-- The kernel's id of the current boot; "" where it has none.
local function boot_id()
  local file = io.open("/proc/sys/kernel/random/boot_id")
  local id = file and file:read "*l"
  if file then file:close() end
  return id or ""
end

-- The clock in the file: the boot that it belongs to, its offset from the monotonic clock, and the latest time of the
-- newest entries (not only of the last one, which may come from a spool) and of those that ended.
local function read_clock(db)
  local row = db:rows("clock")[1]
  return row[1], row[2], db:rows("last_seen")[1][1] or 0
end

-- The offset of the clock, or nil if the machine was restarted since it was set.
local function valid_clock(db)
  local boot, clock, last = read_clock(db)
  if boot == boot_id() and core.monotonic() + clock >= last then return clock end
end

-- Sets the store's clock: the machine's monotonic clock plus an offset, which is stored in the file. After a restart of
-- the machine, it continues at the latest time in the file, and all leases and delays expire.
local function set_clock(db)
  local clock = valid_clock(db)
  if clock then return clock end
  local _, _, last = read_clock(db)
  clock = last - core.monotonic()
  db:run("set_clock", boot_id(), clock)
  db:run("wake_all")
  db:run("end_leases", last)
  return clock
end

-- The clock of a file that is ready for use, or nil. It only reads, so it does not wait for writers.
local function ready_clock(db)
  db:begin "read"
  local is_current = db:pragma "user_version" == #migrations and db:pragma "application_id" == APPLICATION
  local clock = is_current and valid_clock(db) or nil
  db:commit()
  return clock
end

--- Creates or migrates the file of a connection. Several processes may do so at the same time.
---@param db apivideo.inbox.SqliteConnection
---@return number clock what to add to the machine's monotonic clock
function schema.prepare(db)
  local clock = ready_clock(db)
  if not clock then
    db:begin "durable"
    migrate(db)
    clock = set_clock(db)
    db:commit()
  end
  db:use_wal()
  return clock
end

return schema
