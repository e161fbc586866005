--- The effects of the handlers: one row for each delivery.key, however often they run. The file is not that of the
--- inbox, as with the effects of real handlers.

local DBI = require "DBI"

local effects = {}
local Effects = {}
Effects.__index = Effects

local function execute(db, sql, ...)
  local statement = assert(db:prepare(sql))
  assert(statement:execute(...))
  return statement
end

---@param path string
function effects.open(path)
  local db = assert(DBI.Connect("SQLite3", path))
  db:autocommit(true)
  execute(db, "PRAGMA busy_timeout = 20000"):close()
  execute(db, "PRAGMA synchronous = OFF"):close()
  return setmetatable({ db = db }, Effects)
end

--- Creates the file, before any process uses it.
function effects.create(path)
  local self = effects.open(path)
  execute(self.db, "PRAGMA journal_mode = WAL"):close()
  execute(self.db, "CREATE TABLE effects (key TEXT PRIMARY KEY, name TEXT NOT NULL)"):close()
  self:close()
end

--- Adds an effect, unless it exists.
function Effects:write(key, name)
  local statement = execute(self.db, "INSERT INTO effects VALUES (?, ?) ON CONFLICT (key) DO NOTHING", key, name)
  statement:close()
end

--- How many effects there are, by the event's name.
---@param pattern? string of names, as of SQL's LIKE
---@return table<string, integer>
function Effects:count(pattern)
  local counts, statement = {}, execute(self.db,
    "SELECT name, count(*) FROM effects WHERE name LIKE ? GROUP BY name", pattern or "%")
  for row in statement:rows() do counts[row[1]] = row[2] end
  statement:close()
  return counts
end

function Effects:close()
  self.db:close()
end

return effects
