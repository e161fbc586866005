--- The schema of the SQLite store's file, and its clock.

local claiming = require "apivideo.inbox.sqlite.claiming"
local core = require "apivideo.core"
local connection = require "apivideo.inbox.sqlite.connection"
local migrations = require "apivideo.inbox.sqlite.migrations"
local steps = require "apivideo.inbox.sqlite.steps"

local schema = {}

local APPLICATION = 0x61707669 -- "apvi": what SQLite calls the application_id

local FIRST_WITH_SCHEMA = 4 -- the first version whose programs may find `schema` in the table `inbox`

schema.NEWEST = #migrations

--- What the file of a connection is. SQLite's user_version is the oldest version of the schema whose programs can use
--- the file; `version` is what it has.
---@param db apivideo.inbox.SqliteConnection
---@return { kind: "inbox"|"empty"|"other", version: integer, oldest: integer, newest: integer }
function schema.describe(db)
  local kind, oldest = "other", db:pragma "user_version"
  if db:pragma "application_id" == APPLICATION then
    kind = "inbox"
  elseif not db:rows("tables")[1] then
    kind = "empty"
  end
  local version = oldest
  -- A migration that was interrupted may have added the column to a file whose other steps are not complete.
  if kind == "inbox" and oldest >= FIRST_WITH_SCHEMA and db:rows("has_schema")[1] then
    version = math.max(oldest, db:rows("schema")[1][1])
  end
  return { kind = kind, version = version, oldest = oldest, newest = schema.NEWEST }
end

--- Why the file cannot be used with this version of the library; nil if it can.
---@param facts { kind: string, version: integer, oldest: integer, newest: integer }
---@return string|nil
function schema.problem(facts)
  if facts.kind == "other" then return "it has tables of another application; give the inbox a separate file" end
  if facts.oldest <= facts.newest then return nil end
  return ("this file has schema version %d, of a newer apivideo; this apivideo knows %d; upgrade apivideo in this"
    .. " program"):format(facts.version, facts.newest)
end

--- Fails if a newer version of the library has made the file one that this version does not know, while it was open.
---@param db apivideo.inbox.SqliteConnection
function schema.check(db)
  if db:rows("usable_since")[1][1] <= schema.NEWEST then return end
  connection.fail(schema.problem(schema.describe(db)))
end

-- The version whose programs can use a file of a version: the last one that is not additive.
local function oldest_of(version)
  while migrations[version].is_additive do version = version - 1 end
  return version
end

--- Brings the file to the newest version, within a transaction of the caller.
---@param db apivideo.inbox.SqliteConnection
---@param filled? table as `migrations.apply` returns it: what was filled before
function schema.migrate(db, filled)
  local facts = schema.describe(db)
  local problem = schema.problem(facts)
  if problem then connection.fail(problem) end
  if facts.kind == "inbox" and facts.version >= schema.NEWEST then return end
  for version = facts.version + 1, schema.NEWEST do
    for _, step in ipairs(migrations[version]) do steps.run(db, step, filled) end
  end
  db:pragma(("application_id = %d"):format(APPLICATION))
  db:pragma(("user_version = %d"):format(oldest_of(schema.NEWEST)))
  db:run("set_schema", schema.NEWEST)
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

--- Sets the store's clock, within a transaction: the machine's monotonic clock plus an offset, which is stored in the
--- file. After a restart of the machine, it continues at the latest time in the file, and all leases and delays expire;
--- those of probes, too.
---@param db apivideo.inbox.SqliteConnection
---@return number clock as of `prepare`
function schema.set_clock(db)
  local clock = valid_clock(db)
  if clock then return clock end
  local _, _, last = read_clock(db)
  clock = last - core.monotonic()
  db:run("set_clock", boot_id(), clock)
  db:run("wake_all")
  db:run("end_leases", last)
  claiming.end_delays(db, last)
  return clock
end

-- The clock of a file that is ready for use, or nil. It only reads, so it does not wait for writers.
local function ready_clock(db)
  db:begin "read"
  local facts = schema.describe(db)
  local is_current = facts.kind == "inbox" and facts.version >= schema.NEWEST and not schema.problem(facts)
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
    schema.migrate(db)
    clock = schema.set_clock(db)
    db:commit()
  end
  return clock
end

return schema
