--- The store of a process: a real or a broken one, with boundaries, recorded.

local broken = require "spec.crash.broken"
local hiredis = require "apivideo.inbox.redis.hiredis"
local points = require "spec.crash.points"
local recorder = require "spec.crash.recorder"

local unpack = table.unpack or unpack

local stores = {}

-- The boundaries inside the store's transactions are visited only in this Lua state.
local function is_inside(point)
  return point and (point.name:find ":written$" or point.name:find ":committed$")
end

local function sqlite(path, point)
  return require "apivideo.inbox.sqlite" { path = path, thread = not is_inside(point) }
end

--- The store itself.
---@param settings table directory, store, port
function stores.plain(settings)
  if settings.store == "sqlite" then return sqlite(settings.directory .. "/disk/inbox.db", settings.point) end
  return require "apivideo.inbox.redis" { host = settings.host, port = math.floor(settings.port) }
end

--- The spool beside it, or nil.
function stores.spool(settings)
  return settings.spool and sqlite(settings.directory .. "/spool.db") or nil
end

--- The store, the spool and the recorder of a child process.
function stores.open(settings)
  local store = stores.plain(settings)
  if settings.broken then store = broken[settings.broken](store, settings) end
  store = points.around(store, settings.store, settings.point)
  local record = recorder.open(("%s/history-%s.json"):format(settings.directory, settings.name), settings.boot or 0)
  return record:around(store), stores.spool(settings), record
end

-- The result of SQLite's integrity check, unless it is "ok".
local function damage_of_sqlite(settings)
  local db = assert(require("DBI").Connect("SQLite3", settings.directory .. "/disk/inbox.db"))
  local statement = assert(db:prepare "PRAGMA integrity_check")
  assert(statement:execute())
  local found = statement:fetch()[1]
  statement:close()
  db:close()
  return found ~= "ok" and found or nil
end

local KEYS = { "ready", "held", "delayed", "lanes", "heads", "attempts", "stream", "dead" }
for i, name in ipairs(KEYS) do KEYS[i] = "{apivideo}:" .. name end

-- The remains of claimed events in Redis, after all were settled.
local LEFT = [[
  local left = {}
  for _, key in ipairs(KEYS) do
    if redis.call("EXISTS", key) == 1 and (not key:find ":stream$" or redis.call("XLEN", key) > 0) then
      left[#left + 1] = key
    end
  end
  return table.concat(left, " ")
]]

-- Asks a server, or the node of its cluster that has the keys.
local function left_in_redis(host, port)
  local client = assert(hiredis.connect { host = host, port = port })
  local left, problem = client:ask("eval", LEFT, #KEYS, unpack(KEYS))
  client:close()
  local owner = not left and problem:match "^MOVED .*:(%d+)$"
  if owner then return left_in_redis(host, tonumber(owner)) end
  return assert(left, problem)
end

local function damage_of_redis(settings)
  local left = left_in_redis(settings.host or "127.0.0.1", math.floor(settings.port))
  return left ~= "" and "all events are done, and there is still something in " .. left or nil
end

--- The problem of the store after all events are done, or nil.
function stores.damage(settings)
  return (settings.store == "sqlite" and damage_of_sqlite or damage_of_redis)(settings)
end

return stores
