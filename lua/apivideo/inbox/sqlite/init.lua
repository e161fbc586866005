--- A store of an inbox in a SQLite file, through LuaDBI. Several processes of one machine may share it.

local connection = require "apivideo.inbox.sqlite.connection"
local core = require "apivideo.core"
local errors = require "apivideo.error"
local host = require "apivideo.runtime.host"
local options = require "apivideo.util.options"
local schema = require "apivideo.inbox.sqlite.schema"
local statements = require "apivideo.inbox.sqlite.statements"

---@class apivideo.SqliteStore : apivideo.Store
local Sqlite = {}
Sqlite.__index = Sqlite

Sqlite.__tostring = function(self) return "apivideo.inbox.sqlite " .. self.path end

-- What SQLite says, and what is to be done.
local advice = {
  { "database or disk is full", "free some space on its disk" },
  { "disk I/O error", "see whether its disk is well, and whether a quota or a limit of size keeps it from growing" },
  { "file is not a database", "give the inbox another path, or move that file away" },
  { "malformed", "the file is damaged: move it away, with its -wal and -shm, and get what is left out of it"
    .. " with: sqlite3 FILE .recover" },
  { "readonly database", "let the user of this process write it, and its directory" },
  { "unable to open database file", "its directory must be there, and the user of this process may write in it" },
  { "replaced while it was open", "end all processes that use it before you move or delete it" },
  { "database is locked", "another process has kept it locked for too long" },
}

local function unavailable(self, message)
  local text = ("inbox %s: %s"):format(self.path, message)
  for _, entry in ipairs(advice) do
    if message:find(entry[1], 1, true) then text = text .. "; " .. entry[2] end
  end
  return nil, errors.new("store_unavailable", text, { origin = "sqlite" })
end

local function open(self)
  local db = connection.open(self.path, statements)
  self.db = db
  self.clock = schema.prepare(db)
  db:note_file()
end

local function close(self)
  if self.db then self.db:close() end
  self.db = nil
end

-- Within a transaction of a kind: the result of body(db, now, …).
local function transact(self, kind, body, ...)
  if not self.db then open(self) end
  local db = self.db
  db:begin(kind)
  db:check_files()
  local result = body(db, core.monotonic() + self.clock, ...)
  db:commit()
  return result
end

-- The same; or nil and an error. After a failure the next call opens the file again.
local function attempt(self, kind, body, ...)
  if self.closed then return unavailable(self, "it was closed") end
  -- A connection belongs to the process that opened it, and nginx forks after its phase init.
  if not self.db and host.phase() == "init" then
    return unavailable(self, "it cannot be used before nginx has started its workers; use it in init_worker_by_lua")
  end
  if connection.is_inherited(self.path) then
    return unavailable(self, "it was opened before this process was forked, and SQLite's locks do not survive a fork;"
      .. " use the inbox only after the fork, or close it before")
  end
  local ok, result = pcall(transact, self, kind, body, ...)
  if ok then return result end
  close(self)
  if connection.is_failure(result) then return unavailable(self, result.message) end
  error(result, 0)
end

-- Keys may be long, and hold any bytes.
local function hash(text)
  return text and core.signature.sign(text, "apivideo"):sub(1, 32)
end

-- The token before the first claim of an event, at random: after the file was replaced, its ids begin anew, and a claim
-- from before must not hold for another event of that id.
local function first_token()
  local high, middle, low = core.random(3):byte(1, 3)
  return (high * 256 + middle) * 256 + low
end

-- The state of an entry that waits.
local function waiting_state(db, lane)
  return lane and db:rows("lane_is_taken", lane)[1] and "blocked" or "ready"
end

-- The time and the id of the entries of an occurrence that came last until `came`, and first after it, within the
-- window; nil for either that is missing.
local function neighbors(db, occurrence, came, window)
  if not occurrence then return nil, nil end
  return db:rows("last_until", occurrence, came - window, came)[1],
    db:rows("first_after", occurrence, came, came + window)[1]
end

-- Whether one of two entries came before the other. Entries of one batch have the same time.
local function is_earlier(entry, other)
  if entry[1] ~= other[1] then return entry[1] < other[1] end
  return entry[2] < other[2]
end

-- Whether an item repeats an occurrence: an entry of it came within the window, and none of the opposite
-- occurrence came between the two.
local function is_retry(db, item, came, window)
  local before, after = neighbors(db, hash(item.occurrence), came, window)
  if not before and not after then return false end
  local opposite_before, opposite_after = neighbors(db, hash(item.opposite), came, window)
  return before ~= nil and not (opposite_before and is_earlier(before, opposite_before))
    or after ~= nil and not (opposite_after and is_earlier(opposite_after, after))
end

local function put_one(db, now, item, window)
  local key, lane, came = hash(item.key), hash(item.lane), now - (item.age or 0)
  if item.age and db:run("came_before", came, key, came) == 1 then return false end
  if is_retry(db, item, came, window) then return not db:rows("known", key)[1] and "occurrence" end
  local state, ended = waiting_state(db, lane), nil
  if item.error then state, ended = "dead", now end
  return db:run("put", key, hash(item.occurrence), lane, state, first_token(), item.webhookId, item.verified,
    item.received_at, came, item.raw, item.error, ended) == 1
end

local function put(db, now, items, window)
  local results = {}
  for i, item in ipairs(items) do results[i] = put_one(db, now, item, window) end
  return results
end

function Sqlite:put(items, window)
  return attempt(self, "durable", put, items, window)
end

local function entries_of(rows, now, state)
  local entries = {}
  for i, row in ipairs(rows) do
    entries[i] = {
      id = math.floor(row[1]), token = row[2], attempt = row[3], raw = row[4], webhookId = row[5],
      verified = row[6] ~= 0, received_at = row[7], age = math.max(0, now - row[8]), error = row[9], state = state,
    }
  end
  return entries
end

local function is_paused(db)
  return db:rows("paused")[1][1] ~= 0
end

local function claim(db, now, limit, lease)
  if is_paused(db) then return {} end
  db:run("wake", now)
  local entries = entries_of(db:rows("ready", limit), now)
  for _, entry in ipairs(entries) do
    entry.token, entry.attempt = entry.token + 1, entry.attempt + 1
    db:run("claim", now + lease, entry.id)
  end
  return entries
end

function Sqlite:claim(limit, lease)
  return attempt(self, "write", claim, limit, lease)
end

local function extend(db, now, id, token, lease)
  return db:run("extend", now + lease, id, token, now) == 1
end

function Sqlite:extend(id, token, lease)
  return attempt(self, "write", extend, id, token, lease)
end

local function retry(db, now, id, token, delay, message)
  return db:run("retry", now + delay, message, id, token, now) == 1
end

function Sqlite:retry(id, token, delay, message)
  return attempt(self, "write", retry, id, token, delay, message)
end

-- Ends an entry; the next of its lane has its turn.
local function finish(db, id, statement, ...)
  if db:run(statement, ...) == 0 then return false end
  local lane = db:rows("lane", id)[1][1]
  if lane then db:run("next_of_lane", lane) end
  return true
end

local function complete(db, now, id, token)
  return finish(db, id, "complete", now, id, token, now)
end

function Sqlite:complete(id, token)
  return attempt(self, "write", complete, id, token)
end

local function complete_all(db, now, claims)
  local verdicts = {}
  for i, each in ipairs(claims) do verdicts[i] = complete(db, now, each.id, each.token) end
  return verdicts
end

function Sqlite:complete_all(claims)
  return attempt(self, "write", complete_all, claims)
end

-- Removes a claimed entry; the next of its lane has its turn.
local function remove(db, now, id, token)
  local row = db:rows("lane", id)[1]
  if db:run("remove", id, token, now) == 0 then return false end
  if row[1] then db:run("next_of_lane", row[1]) end
  return true
end

function Sqlite:remove(id, token)
  return attempt(self, "write", remove, id, token)
end

local function dead_letter(db, now, id, token, message)
  return finish(db, id, "dead_letter", now, message, id, token, now)
end

function Sqlite:dead_letter(id, token, message)
  return attempt(self, "write", dead_letter, id, token, message)
end

local function list(db, now, state, limit, after)
  local rows
  if state == "waiting" or state == "claimed" then
    rows = db:rows("list_" .. state, now, after, limit)
  else
    rows = db:rows("list", state, after, limit)
  end
  return entries_of(rows, now, state)
end

function Sqlite:list(state, limit, after)
  return attempt(self, "read", list, state, limit, after or 0)
end

-- Gives the dead entries that a statement finds another chance; their rows.
local function redrive(db, _, statement, id)
  local dead = db:rows(statement, id)
  for _, row in ipairs(dead) do db:run("redrive", waiting_state(db, row[2]), row[1]) end
  return dead
end

function Sqlite:redrive(id)
  local total, last = 0, 0
  repeat -- some in each transaction, so that no other process waits for long
    local dead, err = attempt(self, "durable", redrive, id and "dead_one" or "dead_after", id or last)
    if not dead then return nil, err end
    total = total + #dead
    last = #dead > 0 and dead[#dead][1]
  until id or not last
  return total
end

local function purge(db, now, state, age)
  return db:run("purge", state, now - age)
end

function Sqlite:purge(state, age)
  return attempt(self, "write", purge, state, age)
end

local function pause(db, _, paused)
  db:run("pause", paused)
  return true
end

function Sqlite:pause()
  return attempt(self, "durable", pause, true)
end

function Sqlite:resume()
  return attempt(self, "durable", pause, false)
end

local function stats(db, now)
  local function value(...)
    local row = db:rows(...)[1]
    return row and row[1]
  end
  local claimed, waiting = value("claimed", now), 0
  for _, state in ipairs { "ready", "delayed", "claimed", "blocked" } do waiting = waiting + value("count", state) end
  local oldest = value "oldest"
  return {
    waiting = waiting - claimed, claimed = claimed, dead = value("count", "dead"), done = value("count", "done"),
    oldest = oldest and math.max(0, now - oldest), attempts = value "attempts" or 0, paused = is_paused(db),
  }
end

function Sqlite:stats()
  return attempt(self, "read", stats)
end

function Sqlite:close()
  self.closed = true
  if not connection.is_inherited(self.path) then close(self) end
  return true
end

---@class apivideo.SqliteOptions
---@field path string the file; it is made where there is none. On a local disk: processes share it through memory

--- Makes a store in a file. Nothing is opened before it is used.
---@param given apivideo.SqliteOptions
---@return apivideo.Store
return function(given)
  options.check("inbox.sqlite", given, { path = "string" })
  if given.path == "" or given.path == ":memory:" or given.path:find("\0", 1, true) then
    error(('inbox.sqlite: option "path" must name a file, got "%s"; for a store in memory, use require'
      .. ' "apivideo.inbox.memory"'):format((given.path:gsub("%c", "?"))), 2)
  end
  local driver, problem = connection.driver()
  if not driver then error("inbox.sqlite: " .. problem, 2) end
  return setmetatable({ path = given.path }, Sqlite)
end
