--- Makes the store unavailable from time to time.

local DBI = require "DBI"
local runtime = require "apivideo.runtime"

local outages = {}

local function execute(db, sql)
  local statement = assert(db:prepare(sql))
  local ok = statement:execute()
  statement:close()
  return ok
end

-- Another process that holds the lock of the file.
local function lock(path, seconds)
  local db = assert(DBI.Connect("SQLite3", path))
  db:autocommit(true)
  execute(db, "PRAGMA busy_timeout = 0")
  while not execute(db, "BEGIN IMMEDIATE") do runtime.sleep(0.005) end
  runtime.sleep(seconds)
  execute(db, "ROLLBACK")
  db:close()
end

--- A function that makes a store unavailable for some seconds.
---@param settings table of the processes
---@param server? table the Redis server
---@return fun(seconds: number)
function outages.of(settings, server)
  if not server then
    return function(seconds) lock(settings.directory .. "/disk/inbox.db", seconds) end
  end
  local crashes = false
  return function(seconds)
    crashes = not crashes
    if crashes then server:crash() else server:pause() end
    runtime.sleep(seconds)
    if crashes then server:start() else server:resume() end
  end
end

return outages
