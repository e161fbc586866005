--- The versions of the SQLite store's file, as data. Each migration leads to the next version, and is never changed
--- after a release. A new one is appended.
---
--- Programs of earlier versions may write the file while the steps of a migration run one by one (see migrate.lua), and
--- the steps may run again after an interruption. So a step only adds what these programs do not notice: a table, an
--- index, a column with a default. A migration `is_additive` if they can also continue afterwards: the entries that
--- they write then are complete for this version.
---
--- state: ready; delayed (until `due`); claimed (until `due`); blocked, behind another event of its lane; or ended:
--- done, dead. `due`, `ended` and `stored_at` are seconds of the store's clock.

---@alias apivideo.inbox.MigrationStep
---| string a statement
---| { column: string, of: string, definition: string } a column, which is added unless the table has it
---| { fill: "types" } what is set in each entry, see steps.lua

---@class apivideo.inbox.SqliteMigration a list of steps
---@field is_additive? boolean

---@type apivideo.inbox.SqliteMigration[]
return {
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
  { { column = "origin", of = "events", definition = "TEXT NOT NULL DEFAULT 'webhook'" } },
  {
    [[CREATE TABLE IF NOT EXISTS states (
      name TEXT PRIMARY KEY,
      token INTEGER NOT NULL,
      expires REAL NOT NULL,
      saved_at REAL NOT NULL,
      value TEXT)]],
  },
  {
    { column = "type", of = "events", definition = "TEXT" },
    { column = "video_id", of = "events", definition = "TEXT" },
    { column = "attempts", of = "events", definition = "TEXT" },
    { column = "replay", of = "events", definition = "INTEGER NOT NULL DEFAULT 0" },
    { fill = "types" },
    "CREATE INDEX IF NOT EXISTS events_type ON events (type) WHERE type IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS events_video ON events (video_id) WHERE video_id IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS events_dead_type ON events (type) WHERE state = 'dead'",
  },
  {
    is_additive = true,
    { column = "schema", of = "inbox", definition = "INTEGER NOT NULL DEFAULT 4" }, -- see schema.describe
    { column = "detail", of = "events", definition = "TEXT" },
    "CREATE INDEX IF NOT EXISTS events_ended_by ON events (state, ended, stored_at, replay) WHERE ended IS NOT NULL",
    "DROP INDEX IF EXISTS events_ended",
    [[CREATE TABLE IF NOT EXISTS activity (
      minute INTEGER PRIMARY KEY,
      received INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      handled INTEGER NOT NULL DEFAULT 0,
      latency REAL NOT NULL DEFAULT 0,
      replayed INTEGER NOT NULL DEFAULT 0)]],
    { column = "paused_types", of = "inbox", definition = "TEXT" }, -- JSON; NULL: none
    "CREATE INDEX IF NOT EXISTS events_parked ON events (type) WHERE state = 'parked'",
  },
}
