--- Examines the file of a SQLite inbox, without creating, migrating or changing it.

local connection = require "apivideo.inbox.sqlite.connection"
local core = require "apivideo.core"
local operations = require "apivideo.inbox.sqlite.operations"
local schema = require "apivideo.inbox.sqlite.schema"
local statements = require "apivideo.inbox.sqlite.statements"

local examine = {}

---@class apivideo.inbox.SqliteFacts
---@field kind "inbox"|"empty"|"other" other: a file of another application
---@field version integer of the file's schema
---@field oldest integer the oldest version whose programs can use the file
---@field newest integer the version that this library creates
---@field journal_mode string such as "wal"
---@field stats? apivideo.InboxStats of a file with the newest schema
---@field activity? table[] the same, as of `inbox:activity`

-- The result of a function; nil and the message of an external failure.
local function attempt(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then return result end
  if connection.is_failure(result) then return nil, result.message end
  error(result, 0)
end

local function facts_of(db)
  -- Fails if the file is locked for seconds. A read-only one can be locked: only a change shows it.
  db:begin "write"
  db:pragma(("user_version = %d"):format(db:pragma "user_version"))
  local facts = schema.describe(db)
  if facts.kind == "inbox" and facts.version == facts.newest then
    local now = core.monotonic() + schema.set_clock(db) -- as the next process would, which ends leases after a restart
    facts.stats, facts.activity = operations.stats(db, now), operations.activity(db, now)[1]
  end
  db:once "ROLLBACK"
  facts.journal_mode = db:pragma "journal_mode"
  return facts
end

--- Examines a file that exists.
---@param path string
---@return apivideo.inbox.SqliteFacts|nil facts
---@return string? message why it cannot be read or written
function examine.file(path)
  return attempt(function()
    local db = connection.open(path, statements, { create = false, journal = "delete", keeps_owner = true })
    local ok, facts = pcall(facts_of, db)
    db:close()
    if not ok then error(facts, 0) end
    return facts
  end)
end

--- The version of the SQLite that LuaDBI is linked with.
---@return string|nil version nil: not installed
---@return string? message
function examine.library()
  local dbi, problem = connection.driver()
  if not dbi then return nil, problem end
  local db = assert(dbi.Connect("SQLite3", ":memory:"))
  local statement = assert(db:prepare(statements.library))
  statement:execute()
  local version = statement:fetch()[1]
  statement:close()
  db:close()
  return version
end

return examine
