--- Inboxes of earlier versions of the schema: spec/inbox/fixtures, which tools/inbox-fixtures wrote with their own code.

local DBI = require "DBI"
local assert = require "luassert"
local file = require "spec.support.file"

local earlier_inboxes = { VERSIONS = { 1, 2, 3, 4 } }

local DIRECTORY = "spec/inbox/fixtures/"

local function event(type, fields)
  return ('{"type":"%s","emittedAt":"2024-08-08T14:12:18.000Z",%s}'):format(type, fields)
end

local function caption(name)
  return event("video.caption.generated", ('"videoId":"vi_%s","captionId":"ca_%s","language":"en"'):format(name, name))
end

--- The bytes of all events, in order.
earlier_inboxes.RAW = {
  caption "done", caption "dead", "no 'JSON' \195\188", caption "failed", caption "claimed", caption "waiting",
  event("live-stream.broadcast.started", '"liveStreamId":"li_1"'),
  event("live-stream.broadcast.ended", '"liveStreamId":"li_1"'),
}

--- Executes statements on a SQLite file.
---@param path string
---@param text string each ends with ";" at the end of a line
function earlier_inboxes.execute(path, text)
  local db = assert(DBI.Connect("SQLite3", path))
  db:autocommit(true)
  for statement_text in text:gsub("^%-%-[^\n]*\n", ""):gmatch "(.-);\n" do
    local statement = assert(db:prepare(statement_text))
    assert(statement:execute())
    statement:close()
  end
  db:close()
end

--- Creates a SQLite file of a version.
---@param version integer
---@param path string
function earlier_inboxes.sqlite(version, path)
  earlier_inboxes.execute(path, file.read(DIRECTORY .. ("sqlite-%d.sql"):format(version)))
end

--- Adds entries to a SQLite file of version 3, as its code wrote them.
---@param path string
---@param count integer
function earlier_inboxes.add(path, count)
  earlier_inboxes.execute(path, ([[INSERT INTO events
    (identity, state, webhook_id, verified, received_at, stored_at, raw, origin)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
    SELECT 'n' || i, 'ready', 'webhook_1', 1, 1, 1, '{"type":"video.n","videoId":"vi' || i || '"}', 'webhook' FROM n;
]]):format(count))
end

local RESTORE = "return redis.call('RESTORE', KEYS[1], 0, (ARGV[1]:gsub('%x%x', "
  .. "function(digits) return string.char(tonumber(digits, 16)) end)))"

--- Creates the keys of a version in a Redis server.
---@param version integer
---@param server spec.Redis
function earlier_inboxes.redis(version, server)
  for key, digits in file.read(DIRECTORY .. ("redis-%d.txt"):format(version)):gmatch "(%S+) (%x+)\n" do
    assert.equal("OK", server:command("EVAL", RESTORE, 1, key, digits))
  end
end

return earlier_inboxes
