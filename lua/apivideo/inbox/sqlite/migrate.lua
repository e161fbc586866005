--- Migrates a SQLite file online: each step is a short transaction, so that other processes, of earlier versions too,
--- receive and handle events between two of them. Without it, the first process of a new version migrates the file when
--- it opens it, in one transaction, for which the others wait.

local connection = require "apivideo.inbox.sqlite.connection"
local migrations = require "apivideo.inbox.sqlite.migrations"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"
local schema = require "apivideo.inbox.sqlite.schema"
local statements = require "apivideo.inbox.sqlite.statements"
local steps = require "apivideo.inbox.sqlite.steps"

local PAUSE_S = 0.01 -- between two batches, for other writers
local BUSY_TIMEOUT_MS = 60000 -- for the lock of other writers: a migration can wait longer than a delivery

local migrate = {}

---@class apivideo.inbox.Migration
---@field from integer the version of the schema before
---@field to integer
---@field filled integer how many entries were completed; with dry_run, how many will be examined
---@field seconds number
---@field steps string[] what the migration adds

-- Runs a function within a transaction, and lets other writers continue.
local function transaction(db, kind, fn, ...)
  db:begin(kind)
  fn(db, ...)
  db:commit()
  if kind == "write" then runtime.sleep(PAUSE_S) end
end

-- The fills of all migrations: those of earlier ones, too, since a program of an earlier version may have written
-- entries after the file was migrated.
local function all_fills()
  local names = {}
  for _, migration in ipairs(migrations) do
    for _, step in ipairs(migration) do
      if step.fill then names[#names + 1] = step.fill end
    end
  end
  return names
end

-- What a step adds or removes, as a text.
local function text_of(step)
  if type(step) == "table" then
    return step.column and ("the column %s.%s"):format(step.of, step.column) or "the " .. step.fill .. " of entries"
  end
  local verb, kind, name = step:match "^(%u+) (%u+) ([%w_]+)"
  if name == "IF" then name = step:match "EXISTS ([%w_]+)" end
  if not kind then return step end
  return ("%s %s %s"):format(verb == "DROP" and "without the" or "the", kind:lower(), name)
end

local function steps_from(version)
  local list = {}
  for i = version + 1, schema.NEWEST do
    for _, step in ipairs(migrations[i]) do list[#list + 1] = step end
  end
  return list
end

-- How many entries a migration will examine.
local function count_unfilled(db, has_types)
  local where = has_types and " AND type IS NULL" or ""
  return db:once("SELECT CAST(count(*) AS REAL) FROM events WHERE raw <> ''" .. where)
end

local function fill_all(db, name, state, on_progress)
  repeat
    transaction(db, "write", steps.fill, name, state)
    if on_progress then on_progress(state.count) end
  until state.is_complete
end

-- Runs the migrations, then completes the entries that other processes wrote, and sets the version.
local function run(db, list, on_progress)
  local filled = {}
  for _, name in ipairs(all_fills()) do filled[name] = steps.unfilled() end
  for _, step in ipairs(list) do
    if step.fill then
      fill_all(db, step.fill, filled[step.fill], on_progress)
    else
      transaction(db, "write", steps.run, step)
    end
  end
  transaction(db, "durable", schema.migrate, filled)
  local count = 0
  for name, state in pairs(filled) do
    fill_all(db, name, state, on_progress)
    count = count + state.count
  end
  return count
end

-- Migrates the file of a connection.
local function migrate_file(db, options)
  local facts = schema.describe(db)
  local problem = schema.problem(facts) or facts.kind == "empty" and "it is empty, and no inbox"
  if problem then connection.fail(problem) end
  local list, began = steps_from(facts.version), runtime.monotonic()
  db:pragma("busy_timeout = " .. BUSY_TIMEOUT_MS)
  local result = { from = facts.version, to = math.max(facts.version, schema.NEWEST), steps = {} }
  for i, step in ipairs(list) do result.steps[i] = text_of(step) end
  local has_types = db:once "SELECT count(*) FROM pragma_table_info('events') WHERE name = 'type'" == 1
  result.filled = options.dry_run and count_unfilled(db, has_types) or run(db, list, options.on_progress)
  result.seconds = runtime.monotonic() - began
  return result
end

--- Migrates a file that exists.
---@param path string
---@param options { dry_run?: boolean, on_progress?: fun(count: integer) } with the number of completed entries
---@return apivideo.inbox.Migration|nil
---@return string? message
function migrate.run(path, options)
  local ok, result = protected.call(function()
    local db = connection.open(path, statements, { create = false })
    local done, facts = protected.call(migrate_file, db, options)
    db:close()
    if not done then error(facts, 0) end
    return facts
  end)
  if ok then return result end
  if connection.is_failure(result) then return nil, result.message end
  error(result, 0)
end

return migrate
