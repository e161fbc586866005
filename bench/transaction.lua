--- Records what an inbox in SQLite executes, so that bench/transaction.c can execute the same without Lua: the same
--- statements with the same values, in transactions of 32 events, on the same file. So it cannot differ from the
--- library.
---
---   transaction.lua directory      writes directory/transaction.db, a new inbox, and directory/transaction.trace
---
--- The trace has a line per call of the database: "S length" and the SQL of the next statement, "E statement count" and
--- its values, "C statement" for a statement that is closed, and "P events name" at the end of a part; then a NUL.

local dbi = require "DBI"

local directory = arg[1]
local path = directory .. "/transaction.db"
local BATCH, BATCHES = 32, 200

local trace, statements = {}, 0

local function add(...) trace[#trace + 1] = table.concat({ ... }, " ") .. "\n" end

-- The lines of a value, as LuaDBI binds it.
local function add_value(value)
  if type(value) == "number" then
    add("d", ("%.17g"):format(value))
  elseif type(value) == "boolean" then
    add("i", value and 1 or 0)
  elseif value == nil then
    add "n"
  else
    add("t", #value)
    add(value)
  end
end

local Statement = {}

function Statement:__index(name)
  return Statement[name] or function(_, ...) return self.original[name](self.original, ...) end
end

function Statement:execute(...)
  local count = select("#", ...)
  add("E", self.number, count)
  for i = 1, count do add_value((select(i, ...))) end
  return self.original:execute(...)
end

function Statement:close()
  add("C", self.number)
  return self.original:close()
end

local Connection = {}

function Connection:__index(name)
  return Connection[name] or function(_, ...) return self.original[name](self.original, ...) end
end

function Connection:prepare(sql)
  local original, message = self.original:prepare(sql)
  if not original then return nil, message end
  add("S", #sql)
  add(sql)
  statements = statements + 1
  return setmetatable({ original = original, number = statements - 1 }, Statement)
end

-- Creates the file with the real connection, and copies it; then records.
local function use_recorder()
  local connect = dbi.Connect
  function dbi.Connect(...) -- luacheck: ignore 122
    return setmetatable({ original = assert(connect(...)) }, Connection)
  end
end

local apivideo = require "apivideo"
local events = require "bench.inbox_events"
local file = require "spec.support.file"
local group = require "apivideo.inbox.group"
local sqlite = require "apivideo.inbox.sqlite"

-- A store in this thread, whose calls can be recorded.
local function new_store(name)
  local ok, store = pcall(sqlite, { path = name, thread = false })
  return ok and store or sqlite { path = name } -- before it had threads
end

local function new_delivery(number)
  local raw = events.body(number)
  return { raw = raw, event = assert(apivideo.events:parse(raw)), verified = true, received_at = 1700000000,
    webhook_id = events.WEBHOOK_ID }
end

local function end_part(name) add("P", BATCH * BATCHES, name) end

local function put(inbox)
  for batch = 1, BATCHES do
    local deliveries = {}
    for i = 1, BATCH do deliveries[i] = new_delivery(batch * BATCH + i) end
    apivideo.parallel(BATCH, deliveries, function(delivery)
      assert(inbox:put(delivery))
    end)
  end
  end_part "put"
end

local function handle(inbox, store)
  local completions = group.new(function(claims) return store:complete_all(claims, inbox._window) end)
  for _ = 1, BATCHES do
    local claims = assert(inbox:_claim(BATCH, 60))
    assert(#claims == BATCH)
    apivideo.parallel(BATCH, claims, function(claim)
      claim:_complete_in(completions)
      assert(claim:complete())
    end)
  end
  end_part "handle"
end

apivideo.log { write = function() end }
local new = new_store(directory .. "/recorded.db")
assert(new:open())
new:close()
file.write(path, file.read(directory .. "/recorded.db"))
use_recorder()
local store = new_store(directory .. "/recorded.db")
local inbox = apivideo.inbox { store = store }
apivideo.run(function()
  put(inbox)
  handle(inbox, store)
end)
store:close()
file.write(directory .. "/transaction.trace", table.concat(trace) .. "\0")
