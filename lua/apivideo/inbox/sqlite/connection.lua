--- A connection to a SQLite file through LuaDBI: statements that are prepared once, and transactions.
--- What SQLite refuses is raised as a failure. The connection is then to be closed: that rolls back.

local core = require "apivideo.core"

local connection = {}

local OLDEST = 3024000 -- SQLite 3.24 (2018): the first with ON CONFLICT … DO NOTHING
local BUSY = 5000 -- milliseconds for which another process is waited for
local TRIES = 20
local LOG = 4000  -- pages that the log may have before they are copied into the file: one copy of those written often

-- LuaDBI's words before SQLite's.
local prefixes = { "Execute failed ", "Fetch failed ", "Error preparing statement handle: ",
  "Failed to connect to database: " }

local Failure = {}

--- Raises what the world has caused.
function connection.fail(message)
  for _, prefix in ipairs(prefixes) do
    if message:sub(1, #prefix) == prefix then message = message:sub(#prefix + 1) end
  end
  error(setmetatable({ message = message }, Failure), 0)
end

local fail = connection.fail

--- Whether a raised value tells what the world has caused, and is no mistake in a program.
function connection.is_failure(value)
  return getmetatable(value) == Failure
end

--- LuaDBI and its driver; nil, and what to do, where they are not installed.
function connection.driver()
  local has_dbi, dbi = pcall(require, "DBI")
  local has_driver, problem = pcall(require, "dbd.sqlite3")
  if has_dbi and has_driver then return dbi end
  return nil, ("LuaDBI with its SQLite driver is missing: install the package lua-dbi-sqlite3 (Debian) " ..
    "or luadbi-sqlite3 (LuaRocks) for %s: %s"):format(_VERSION, tostring(has_dbi and problem or dbi))
end

local Connection = {}
Connection.__index = Connection

-- A prepared statement.
function Connection:prepare(sql)
  local statement, message = self.db:prepare(sql)
  if not statement then fail(message) end
  return statement
end

--- Executes SQL that is not kept; the first value of its only row, if it has any.
function Connection:once(sql)
  local statement = self:prepare(sql)
  local ok, result = statement:execute()
  if ok then ok, result = pcall(statement.fetch, statement) end
  statement:close()
  if not ok then fail(result) end
  return result and result[1]
end

--- Executes a pragma. It cannot be kept: SQLite may do its work while it prepares it.
function Connection:pragma(text)
  return self:once("PRAGMA " .. text)
end

-- The statement of that name, executed.
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

--- Executes a statement without results: how many rows it changed.
function Connection:run(name, ...)
  return self:execute(name, ...):affected()
end

--- Executes a statement with results: all its rows. A statement that is not read to its end would keep
--- its transaction open.
function Connection:rows(name, ...)
  local statement, rows = self:execute(name, ...), {}
  while true do
    local ok, row = pcall(statement.fetch, statement)
    if not ok then fail(row) end
    if not row then return rows end
    rows[#rows + 1] = row
  end
end

--- Notes which file it has open, once that is there.
function Connection:note_file()
  self.file = core.file_id(self.path)
end

--- Fails where its path no longer leads to the files that it has open. SQLite continues with files that were deleted:
--- what it stores there is gone when the process ends, and other processes have other files.
function Connection:check_files()
  local log = core.file_id(self.path .. "-wal")
  if core.file_id(self.path) ~= self.file or self.log and log ~= self.log then
    fail("the file, or its -wal, was deleted, moved or replaced while it was open")
  end
  self.log = log -- nil until the first transaction that writes
end

--- Begins a transaction: "read"; "write"; or "durable", which is on the disk when it has been committed,
--- as is all that was written before it.
function Connection:begin(kind)
  local level = kind == "durable" and "FULL" or "NORMAL"
  if kind ~= "read" and level ~= self.synchronous then
    self:pragma("synchronous = " .. level)
    self.synchronous = level
  end
  self:run(kind == "read" and "read" or "write")
end

--- Ends it.
function Connection:commit()
  self:run("commit")
end

--- Has the file keep a log, so that readers and writers do not wait for each other. The file remembers it.
function Connection:use_wal()
  local ok, mode
  for _ = 1, TRIES do -- of two processes that ask for it at once, one is refused and not made to wait
    ok, mode = pcall(self.pragma, self, "journal_mode = WAL")
    if ok then break end
    self:begin "write" -- waits for the other
    self:commit()
  end
  if not ok then error(mode, 0) end
  if mode ~= "wal" then
    fail("its file system does not let processes share memory, which SQLite's log needs; use a local disk")
  end
end

-- path -> { process, count }: the connections that are open, and the process that opened them
local opened = {}

--- Whether this process inherited connections to a file by a fork. SQLite notes its locks on a file for all connections
--- of a process, and the kernel gives a child none of them: the child would read and write unprotected, and by closing
--- a connection it would touch the parent's files.
---@param path string
function connection.is_inherited(path)
  return opened[path] ~= nil and opened[path].process ~= core.process_id()
end

--- Closes it; SQLite keeps a connection whose statements are not closed.
function Connection:close()
  local known = opened[self.path]
  known.count = known.count - 1
  if known.count == 0 then opened[self.path] = nil end
  for _, statement in pairs(self.prepared) do statement:close() end
  self.db:close()
end

-- Fails, in the system's words, where no file can be made beside `path`: SQLite tells no reason, and LuaDBI
-- keeps the memory of a connection that could not be opened. The database itself must not be opened here:
-- closing it would give up this process's locks on it. The name is random, so that no existing file has it.
local function check_directory(path)
  local name = core.random(8):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
  local beside = (path:match "^.*/" or "") .. ".apivideo-" .. name
  local file, problem = io.open(beside, "wb")
  if not file then fail("unable to open database file: " .. problem) end
  file:close()
  os.remove(beside)
end

-- Fails where LuaDBI has been linked with an SQLite that is too old.
local function check_version(self)
  local version = self:rows("library")[1][1]
  local major, minor, patch = version:match "^(%d+)%.(%d+)%.?(%d*)"
  local number = major and major * 1000000 + minor * 1000 + (tonumber(patch) or 0)
  if number and number < OLDEST then
    fail(("SQLite 3.24 or newer is needed, and LuaDBI uses %s; update libsqlite3"):format(version))
  end
end

-- Counts a connection among those that are open.
local function note(path)
  local known = opened[path] or { process = core.process_id(), count = 0 }
  known.count = known.count + 1
  opened[path] = known
end

--- Opens a file, and makes it where there is none.
---@param path string
---@param statements table<string, string> SQL by name
function connection.open(path, statements)
  check_directory(path)
  local db, message = connection.driver().Connect("SQLite3", path)
  if not db then fail(message) end
  note(path)
  db:autocommit(true) -- or LuaDBI begins transactions by itself
  local self = setmetatable({ db = db, path = path, statements = statements, prepared = {} }, Connection)
  local ok, problem = pcall(function()
    self:pragma("busy_timeout = " .. BUSY) -- first: newer SQLite reads the file as it prepares any other statement
    check_version(self)
    self:pragma("wal_autocheckpoint = " .. LOG)
  end)
  if ok then return self end
  self:close()
  error(problem, 0)
end

return connection
