--- A store of an inbox in a SQLite file, through LuaDBI. Several processes of one machine may share it. Each method is
--- one transaction.

local checks = require "apivideo.util.checks"
local connection = require "apivideo.inbox.sqlite.connection"
local constructor = require "apivideo.util.constructor"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local host = require "apivideo.runtime.host"
local log = require "apivideo.runtime.log"
local operations = require "apivideo.inbox.sqlite.operations"
local place = require "apivideo.inbox.sqlite.place"
local remedies = require "apivideo.inbox.sqlite.remedies"
local schema = require "apivideo.inbox.sqlite.schema"
local statements = require "apivideo.inbox.sqlite.statements"

---@class apivideo.SqliteStore : apivideo.Store
local Sqlite = {}
Sqlite.__index = Sqlite
Sqlite.__name = "apivideo.SqliteStore"

local METHODS = { "open", "put", "claim", "extend", "complete", "complete_all", "remove", "retry", "dead_letter",
  "expire", "list", "count", "redrive", "replay", "purge", "import", "pause", "resume", "stats", "activity", "acquire",
  "save" }

Sqlite.__tostring = function(self) return "apivideo.inbox.sqlite " .. self.path end

local function unavailable(self, message)
  local text = ("inbox %s: %s"):format(self.path, message)
  local remedy, owners = remedies.of(self.path, message)
  if remedy then text = text .. "; " .. remedy .. owners end
  return nil, errors.new("store_unavailable", text, { origin = "sqlite" })
end

-- The journal mode for the file. On a network file system, one that has been an inbox with the journal "delete" stays
-- so, without the option: for the command.
local function journal_of(self, db)
  local kind = not self.journal and core.network_file_system(self.path)
  if not kind then return self.journal or "wal" end
  if schema.describe(db).kind == "inbox" and db:pragma "journal_mode" == "delete" then return "delete" end
  connection.fail(place.network_problem(kind))
end

local function open(self)
  local db, is_new = connection.open(self.path, statements, self)
  self.db = db
  local journal = journal_of(self, db)
  self.clock = schema.prepare(db)
  db:use_journal(journal)
  db:note_file()
  if is_new then log.warn(("inbox %s: it did not exist and was created"):format(core.real_path(self.path))) end
end

local function nothing() return true end

local function close(self)
  if self.db then self.db:close() end
  self.db = nil
end

-- Runs operation(db, now, …) within a transaction of a kind; its result.
local function transact(self, kind, operation, ...)
  if not self.db then open(self) end
  local db = self.db
  db:begin(kind)
  db:check_files()
  schema.check(db)
  local result = operation(db, core.monotonic() + self.clock, ...)
  db:commit()
  return result
end

-- Why the file cannot be used here, or nil.
local function refusal(self, is_open)
  -- A connection belongs to the process that opened it, and nginx forks after its phase init.
  if not is_open and host.phase() == "init" then
    return "it cannot be used before nginx has started its workers: use it from init_worker_by_lua"
  end
  if connection.is_inherited(self.path) then
    return "it was opened before this process was forked, and SQLite's locks do not survive a fork;"
      .. " use the inbox only after the fork, or close it before"
  end
end

-- The same; or nil and an error. After a failure, the next call opens the file again.
local function attempt(self, kind, operation, ...)
  local problem = self.closed and "it was closed" or refusal(self, self.db ~= nil)
  if problem then return unavailable(self, problem) end
  local ok, result = pcall(transact, self, kind, operation, ...)
  if ok then return result end
  close(self)
  if connection.is_failure(result) then return unavailable(self, result.message) end
  error(result, 0)
end

function Sqlite:open()
  return attempt(self, "read", nothing)
end

function Sqlite:put(items, window)
  return attempt(self, "durable", operations.put, items, window)
end

-- The same for an operation with two results.
local function attempt_pair(self, ...)
  local results, err = attempt(self, ...)
  if not results then return nil, err end
  return results[1], results[2]
end

function Sqlite:claim(limit, lease, limits)
  return attempt_pair(self, "write", operations.claim, limit, lease, limits)
end

function Sqlite:extend(id, token, lease, probed)
  return attempt(self, "write", operations.extend, id, token, lease, probed)
end

function Sqlite:complete(id, token, items, window, attempts, retains)
  return attempt(self, "write", operations.complete, id, token, items, window, attempts, retains)
end

function Sqlite:complete_all(claims, window)
  return attempt(self, "write", operations.complete_all, claims, window)
end

function Sqlite:remove(id, token)
  return attempt(self, "write", operations.remove, id, token)
end

function Sqlite:retry(id, token, delay, message, attempts)
  return attempt(self, "write", operations.retry, id, token, delay, message, attempts)
end

function Sqlite:dead_letter(id, token, message, attempts)
  return attempt(self, "write", operations.dead_letter, id, token, message, attempts)
end

function Sqlite:list(where, page)
  return attempt_pair(self, "read", operations.list, where, page)
end

function Sqlite:count(where, page)
  return attempt_pair(self, "read", operations.count, where, page.after)
end

function Sqlite:redrive(where, page)
  return attempt_pair(self, "durable", operations.redrive, where, page)
end

function Sqlite:replay(where, page)
  return attempt_pair(self, "durable", operations.replay, where, page)
end

function Sqlite:purge(where, page)
  return attempt_pair(self, "write", operations.purge, where, page)
end

function Sqlite:import(records)
  return attempt(self, "durable", operations.import, records)
end

function Sqlite:expire(age)
  return attempt(self, "write", operations.expire, age)
end

function Sqlite:pause(type, interval, reason, is_probe)
  return attempt(self, "durable", operations.pause, type, interval, reason, is_probe)
end

function Sqlite:resume(type, is_probe)
  return attempt(self, "durable", operations.resume, type, is_probe)
end

function Sqlite:stats()
  return attempt(self, "read", operations.stats)
end

function Sqlite:activity()
  return attempt_pair(self, "read", operations.activity)
end

function Sqlite:acquire(name, seconds, rest)
  return attempt_pair(self, "write", operations.acquire, name, seconds, rest)
end

function Sqlite:save(name, token, value, seconds)
  return attempt(self, "write", operations.save, name, token, value, seconds)
end

function Sqlite:close()
  self.closed = true
  if not connection.is_inherited(self.path) then close(self) end
  return true
end

---@class apivideo.SqliteOptions
---@field path string the file, which is created if it does not exist. On a local disk: processes share it through memory
---@field create? boolean false: a file that does not exist is an error; default true
---@field journal? "wal"|"delete" SQLite's journal; "delete" works on network file systems whose locks work, for the processes of one machine, and is slower; default "wal"
---@field thread? boolean false: each call blocks this process while SQLite waits for the disk; default true: SQLite runs in a thread of its own, and other tasks and requests do not wait

local OPTIONS = { path = "string", create = "boolean?", journal = "string?", thread = "boolean?" }

local NO_FILE = {
  [""] = ', got ""',
  [":memory:"] = ", got \":memory:\", of which each process would have its own; a store in memory, for tests, is"
    .. " apivideo.inbox.memory()",
}

-- The same store in a thread of its own. (The thread itself, which loads this module, does not need that one.)
local function in_thread(self)
  return require("apivideo.inbox.threaded").new {
    module = "apivideo.inbox.sqlite",
    options = { path = self.path, create = self.create, journal = self.journal, thread = false },
    methods = METHODS,
    name = tostring(self),
    refusal = function(is_started) return refusal(self, is_started) end,
    unavailable = function(message) return unavailable(self, message) end,
    started = function() connection.count_opened(self.path) end,
    ended = function() connection.count_closed(self.path) end,
  }
end

local function create(options)
  checks.options("inbox.sqlite", options, OPTIONS, 4)
  local problem = NO_FILE[options.path] or options.path:find("\0", 1, true) and ", which cannot contain a NUL"
  if problem then
    error("inbox.sqlite: option \"path\" must name a file, such as /var/lib/shop/inbox.db" .. problem, 3)
  end
  if options.journal and options.journal ~= "wal" and options.journal ~= "delete" then
    error(('inbox.sqlite: option "journal" must be "wal" or "delete", got "%s"'):format(options.journal), 3)
  end
  local driver
  driver, problem = connection.driver()
  if not driver then error("inbox.sqlite: " .. problem, 3) end
  local self = setmetatable({ path = options.path, create = options.create, journal = options.journal }, Sqlite)
  return options.thread == false and self or in_thread(self)
end

--- Creates a store in a file: `sqlite.new(options)`, or `sqlite(options)`. The file is opened at the first use.
---@class apivideo.inbox.sqlite
---@field new fun(options: apivideo.SqliteOptions): apivideo.Store
---@overload fun(options: apivideo.SqliteOptions): apivideo.Store
local sqlite = {}

return constructor(sqlite, create)
