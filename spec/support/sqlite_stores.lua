--- Specs of the inbox's store in SQLite: stores on one file.

local DBI = require "DBI"
local assert = require "luassert"
local file = require "spec.support.file"
local inboxes = require "spec.support.inboxes"
local sqlite = require "apivideo.inbox.sqlite"

local WINDOW = 20

local path = os.tmpname()
local opened = {}

local sqlite_stores = { WINDOW = WINDOW, path = path, item = inboxes.item }

--- Opens a store on the file, in this Lua state; it is closed after the test.
---@param at? string another file
---@param in_thread? boolean in a thread of its own
function sqlite_stores.open(at, in_thread)
  local store = sqlite { path = at or path, thread = in_thread or false }
  opened[#opened + 1] = store
  return store
end

--- Closes the stores and removes the file.
function sqlite_stores.clean()
  for _, store in ipairs(opened) do store:close() end
  opened = {}
  for _, ending in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(path .. ending) end
end

--- Calls a function while another process could not write the file.
function sqlite_stores.unwritable(fn)
  local db = assert(DBI.Connect("SQLite3", path))
  db:autocommit(true)
  local statement = assert(db:prepare "BEGIN IMMEDIATE")
  assert(statement:execute())
  statement:close()
  local ok, problem = pcall(fn)
  db:close()
  assert(ok, problem)
end

--- Executes SQL on the file with a separate connection. Returns its rows.
function sqlite_stores.sql(text, ...)
  local db = assert(DBI.Connect("SQLite3", path))
  db:autocommit(true)
  local statement = assert(db:prepare(text))
  assert(statement:execute(...))
  local rows = {}
  for row in statement:rows() do rows[#rows + 1] = row end
  statement:close()
  db:close()
  return rows
end

-- The rows of an EXPLAIN of SQL, whose parameters are NULL.
local function explain(verb, text)
  local numbered = 0
  for number in text:gmatch "%?(%d+)" do numbered = math.max(numbered, tonumber(number)) end
  local _, count = text:gsub("%?", "")
  return sqlite_stores.sql(verb .. " " .. text, (table.unpack or unpack)({}, 1, numbered > 0 and numbered or count))
end

--- What the first seek of SQL looks for: the instruction of SQLite's virtual machine that loads it, such as "Variable".
---@param text string
---@return string
function sqlite_stores.seek_of(text)
  local rows, register = explain("EXPLAIN", text), nil
  for _, row in ipairs(rows) do
    if row[2]:find "^Seek" then register = register or row[5] end
  end
  for _, row in ipairs(rows) do
    if row[4] == register and (row[2] == "Variable" or row[2] == "Integer") then return row[2] end
  end
  error("no seek in " .. text)
end

--- How SQLite executes SQL: the steps of EXPLAIN QUERY PLAN as lines.
---@param text string
---@return string
function sqlite_stores.plan_of(text)
  local steps = {}
  for _, row in ipairs(explain("EXPLAIN QUERY PLAN", text)) do
    steps[#steps + 1] = row[4]:gsub("^(%u+) TABLE ", "%1 ") -- "SCAN TABLE inbox" before SQLite 3.36
  end
  return table.concat(steps, "\n")
end

--- Writes the bytes of the file.
function sqlite_stores.write(text)
  file.write(path, text)
end

--- Puts one event. Returns what the store returns for it.
function sqlite_stores.put(store, ...)
  return assert(store:put({ inboxes.item(...) }, WINDOW))[1]
end

function sqlite_stores.claim(store, lease)
  return assert(store:claim(1, lease or 600))[1]
end

--- Asserts that a call has failed with a message.
function sqlite_stores.unavailable(pattern, result, err)
  assert.is_nil(result)
  assert.equal("store_unavailable", err.kind)
  assert.is_true(err.retryable)
  assert.matches(path, err.message, 1, true)
  assert.matches(pattern, err.message)
end

return sqlite_stores
