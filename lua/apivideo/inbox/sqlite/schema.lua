--- What the SQLite store of an inbox keeps in its file: the steps that made it, and its clock.

local core = require "apivideo.core"
local connection = require "apivideo.inbox.sqlite.connection"

local schema = {}

local APPLICATION = 0x61707669 -- "apvi": what SQLite calls the application_id

-- Each step leads to the next version of the file, and is never changed once it was released.
--
-- state: ready; delayed (until `due`); claimed (until `due`); blocked, behind another of its lane; and
-- ended: done, dead. `due`, `ended` and `stored_at` are seconds of the store's clock.
local steps = {
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
}

-- Brings the file to the newest version.
local function migrate(db)
  local version, application = db:pragma "user_version", db:pragma "application_id"
  if application ~= APPLICATION and db:rows("tables")[1] then
    connection.fail("it holds another application's tables; give the inbox a file of its own")
  elseif version > #steps then
    connection.fail(("it was made by a newer apivideo (version %d of the file, and this one knows %d); update this one")
      :format(version, #steps))
  elseif version == #steps then
    return
  end
  for i = version + 1, #steps do
    for _, sql in ipairs(steps[i]) do db:once(sql) end
  end
  db:pragma(("application_id = %d"):format(APPLICATION))
  db:pragma(("user_version = %d"):format(#steps))
end

-- What the kernel calls the time since it was started; "" where it has no name.
local function boot_id()
  local file = io.open("/proc/sys/kernel/random/boot_id")
  local id = file and file:read "*l"
  if file then file:close() end
  return id or ""
end

-- What the file says of the clock: the boot that it belongs to, its offset from the monotonic clock, and the latest
-- time that the newest entries tell (the last may have been elsewhere before), or those that ended.
local function read_clock(db)
  local row = db:rows("clock")[1]
  return row[1], row[2], db:rows("last_seen")[1][1] or 0
end

-- The offset of the clock, or nil where the machine was restarted since it was set.
local function valid_clock(db)
  local boot, clock, last = read_clock(db)
  if boot == boot_id() and core.monotonic() + clock >= last then return clock end
end

-- Sets the store's clock: the machine's monotonic one, and an offset that is kept in the file, so that it continues
-- after a restart of the machine at the latest time that was seen. No lease and no delay outlives that.
local function set_clock(db)
  local clock = valid_clock(db)
  if clock then return clock end
  local _, _, last = read_clock(db)
  clock = last - core.monotonic()
  db:run("set_clock", boot_id(), clock)
  db:run("wake_all")
  return clock
end

-- The clock of a file that is ready for use, or nil. It only reads, so it waits for no writer.
local function ready_clock(db)
  db:begin "read"
  local is_current = db:pragma "user_version" == #steps and db:pragma "application_id" == APPLICATION
  local clock = is_current and valid_clock(db) or nil
  db:commit()
  return clock
end

--- Makes a connection's file ready for use. Several processes may do so at once.
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
