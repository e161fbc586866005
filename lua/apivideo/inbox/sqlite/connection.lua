--- A connection to a SQLite file through LuaDBI: prepared statements and transactions. An error of SQLite is raised as
--- a failure; the connection must be closed then, which rolls back.

local core = require "apivideo.core"
local packages = require "apivideo.util.packages"
local place = require "apivideo.inbox.sqlite.place"

local unpack = table.unpack or unpack

local connection = {}

local MIN_VERSION = 3024000 -- SQLite 3.24 (2018): the first with ON CONFLICT … DO NOTHING
local BUSY_TIMEOUT_MS = 5000 -- how long to wait for another process
local JOURNAL_ATTEMPTS = 20
local PAGE_BYTES = 2048 -- of a new file: a transaction writes whole pages, and an event changes little in each
local CHECKPOINT_PAGES = 4000 -- of the write-ahead log: pages that are written often are copied into the file only once

-- Prefixes that LuaDBI puts before SQLite's messages.
local prefixes = { "Execute failed ", "Fetch failed ", "Error preparing statement handle: ",
  "Failed to connect to database: " }

local Failure = {}

--- Raises an external failure.
function connection.fail(message)
  for _, prefix in ipairs(prefixes) do
    if message:sub(1, #prefix) == prefix then message = message:sub(#prefix + 1) end
  end
  error(setmetatable({ message = message }, Failure), 0)
end

local fail = connection.fail

--- Whether a raised value is an external failure, and not a bug.
function connection.is_failure(value)
  return getmetatable(value) == Failure
end

--- LuaDBI with its driver; or nil and what to install.
function connection.driver()
  local has_dbi, dbi = pcall(require, "DBI")
  local has_driver, problem = pcall(require, "dbd.sqlite3")
  if has_dbi and has_driver then return dbi end
  local text = tostring(has_dbi and problem or dbi)
  text = text:match "^module '[^']*' not found" or text:gsub("%s*\n%s*", " ") -- without the files that were tried
  return nil, ("LuaDBI with its SQLite driver is missing for %s: %s (%s)"):format(_VERSION, packages.remedy "LuaDBI",
    text)
end

---@class apivideo.inbox.SqliteConnection
local Connection = {}
Connection.__index = Connection
Connection.__name = "apivideo.inbox.SqliteConnection"

-- A prepared statement.
function Connection:prepare(sql)
  local statement, message = self.db:prepare(sql)
  if not statement then fail(message) end
  return statement
end

--- Executes SQL once, without caching the statement; the first value of its only row, if there is one.
function Connection:once(sql)
  local statement = self:prepare(sql)
  local ok, result = statement:execute()
  if ok then ok, result = pcall(statement.fetch, statement) end
  statement:close()
  if not ok then fail(result) end
  return result and result[1]
end

--- Executes a pragma. It is not cached: SQLite may execute a pragma while it prepares it.
function Connection:pragma(text)
  return self:once("PRAGMA " .. text)
end

--- Executes SQL with numbered parameters once, without caching the statement; returns all its rows.
---@param sql string
---@param parameters any[]
---@return any[][]
function Connection:query(sql, parameters)
  local statement, rows = self:prepare(sql), {}
  local ok, problem = statement:execute(unpack(parameters))
  while ok do
    local row
    ok, row = pcall(statement.fetch, statement)
    if not ok then problem = row end
    if not row then break end
    rows[#rows + 1] = row
  end
  statement:close()
  if problem and not ok then fail(problem) end
  return rows
end

-- Executes a statement; returns it.
function Connection:execute(name, ...)
  local statement = self.prepared[name]
  if not statement then
    statement = self:prepare(self.statements[name])
    self.prepared[name] = statement
  end
  local ok, message = statement:execute(...)
  if not ok then fail(message) end
  return statement
end

--- Executes a statement without results; returns how many rows it changed.
function Connection:run(name, ...)
  return self:execute(name, ...):affected()
end

--- Executes a statement with results; returns all its rows. A statement that is not read to its end would keep its
--- transaction open.
function Connection:rows(name, ...)
  local statement, rows = self:execute(name, ...), {}
  while true do
    local ok, row = pcall(statement.fetch, statement)
    if not ok then fail(row) end
    if not row then return rows end
    rows[#rows + 1] = row
  end
end

--- Stores the identity of the open file, after SQLite has created it.
function Connection:note_file()
  self.file = core.file_id(self.path)
  self.log_path = (core.real_path(self.path) or self.path) .. "-wal" -- SQLite follows a symbolic link
end

--- Fails if the path no longer refers to the open files. SQLite continues to use deleted files: their content is lost
--- when the process ends, and other processes use other files.
function Connection:check_files()
  local log = core.file_id(self.log_path)
  if core.file_id(self.path) ~= self.file or self.log and log ~= self.log then
    fail("the file, or its -wal, was deleted, moved or replaced while it was open")
  end
  self.log = log -- nil until the first transaction that writes
end

--- Begins a transaction: "read"; "write"; or "durable". The commit of a durable one syncs it, and all earlier ones, to
--- the disk.
function Connection:begin(kind)
  local level = kind == "durable" and "FULL" or "NORMAL"
  if kind ~= "read" and level ~= self.synchronous then
    self:pragma("synchronous = " .. level)
    self.synchronous = level
  end
  self:run(kind == "read" and "read" or "write")
end

--- Commits the transaction.
function Connection:commit()
  self:run("commit")
end

--- Sets the file's journal mode, which is stored in the file. With "wal", readers and writers do not wait for each
--- other; "delete" needs no memory that processes share.
---@param mode "wal"|"delete"
function Connection:use_journal(mode)
  local ok, result
  for _ = 1, JOURNAL_ATTEMPTS do -- of two processes that set it at the same time, one gets an error at once
    ok, result = pcall(self.pragma, self, "journal_mode = " .. mode:upper())
    if ok then break end
    self:begin "write" -- waits for the other process
    self:commit()
  end
  if not ok then error(result, 0) end
  if result == mode then return end
  if mode == "delete" then fail "other processes use it with another journal; end them first" end
  fail("its file system does not let processes share memory, which SQLite's log needs; use a local disk")
end

-- path -> { process, count }: the number of open connections, and the process that opened them
local opened = {}

--- Whether this process inherited connections to a file by a fork. A child does not inherit the locks on the file, but
--- SQLite in the child believes that it has them: it would read and write without locks, and closing a connection would
--- change the parent's files.
---@param path string
---@return boolean
function connection.is_inherited(path)
  return opened[path] ~= nil and opened[path].process ~= core.process_id()
end

--- Counts an open connection of this process: one of this Lua state, or of a thread.
---@param path string
function connection.count_opened(path)
  local known = opened[path] or { process = core.process_id(), count = 0 }
  known.count = known.count + 1
  opened[path] = known
end

--- Counts the end of an open connection.
---@param path string
function connection.count_closed(path)
  local known = opened[path]
  known.count = known.count - 1
  if known.count == 0 then opened[path] = nil end
end

--- Closes the connection. The statements are closed first, since SQLite keeps a connection that has open ones.
function Connection:close()
  connection.count_closed(self.path)
  for _, statement in pairs(self.prepared) do statement:close() end
  self.db:close()
end

-- Fails if LuaDBI is linked with an SQLite that is too old.
local function check_version(self)
  local version = self:rows("library")[1][1]
  local major, minor, patch = version:match "^(%d+)%.(%d+)%.?(%d*)"
  local number = major and major * 1000000 + minor * 1000 + (tonumber(patch) or 0)
  if number and number < MIN_VERSION then
    fail(("SQLite 3.24 or newer is needed, and LuaDBI uses %s; update libsqlite3"):format(version))
  end
end

--- Opens a file, which is created if it does not exist.
---@param path string
---@param statements table<string, string> SQL by name
---@param options? { create?: boolean, journal?: string, keeps_owner?: boolean } as of place.prepare
---@return apivideo.inbox.SqliteConnection db
---@return boolean is_new whether the file was created
function connection.open(path, statements, options)
  local driver, missing = connection.driver()
  if not driver then fail(missing) end
  local is_new, problem = place.prepare(path, options or {})
  if is_new == nil then fail(problem) end
  local db, message = driver.Connect("SQLite3", path)
  if not db then fail(message) end
  connection.count_opened(path)
  db:autocommit(true) -- otherwise LuaDBI begins transactions itself
  local self = setmetatable({ db = db, path = path, statements = statements, prepared = {} }, Connection)
  local ok
  ok, problem = pcall(function()
    -- First: newer versions of SQLite read the file when they prepare any other statement.
    self:pragma("busy_timeout = " .. BUSY_TIMEOUT_MS)
    check_version(self)
    self:pragma("page_size = " .. PAGE_BYTES) -- a file that has pages keeps its own
    self:pragma("wal_autocheckpoint = " .. CHECKPOINT_PAGES)
  end)
  if ok then return self, is_new end
  self:close()
  error(problem, 0)
end

return connection
