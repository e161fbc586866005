--- The store of a process: a real or a broken one, with boundaries, recorded.

local broken = require "spec.crash.broken"
local hiredis = require "apivideo.inbox.redis.hiredis"
local points = require "spec.crash.points"
local recorder = require "spec.crash.recorder"

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

-- The remains of claimed events in Redis, after all were settled.
local LEFT = [[
  local left = {}
  for _, key in ipairs { "ready", "held", "delayed", "lanes", "heads", "attempts", "stream", "dead" } do
    key = "{apivideo}:" .. key
    if redis.call("EXISTS", key) == 1 and (key ~= "{apivideo}:stream" or redis.call("XLEN", key) > 0) then
      left[#left + 1] = key
    end
  end
  return table.concat(left, " ")
]]

local function damage_of_redis(settings)
  local client = assert(hiredis.connect { host = settings.host or "127.0.0.1", port = math.floor(settings.port) })
  local left = assert(client:ask("eval", LEFT, 0))
  client:close()
  return left ~= "" and "all events are done, and there is still something in " .. left or nil
end

--- The problem of the store after all events are done, or nil.
function stores.damage(settings)
  return (settings.store == "sqlite" and damage_of_sqlite or damage_of_redis)(settings)
end

return stores
