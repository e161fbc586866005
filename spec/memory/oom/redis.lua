--- Connects to a server of Redis's protocol, and sends two commands.

local core = require "apivideo.redis.core"

local port = tonumber(os.getenv "OOM_REDIS")
local connection

-- Steps until the connection no longer waits.
local function await()
  local state, value
  repeat state, value = connection:step() until state ~= "waiting"
  return state, value
end

local function run()
  local problem
  connection, problem = core.connect { host = "127.0.0.1", port = port, reply_max = 1000 }
  if not connection then return nil, problem end
  for _ = 1, 2 do
    connection:send("GET", "a key")
    local state, value = await()
    if state ~= "reply" then return nil, value end
    if value[2][2] ~= "x" then return false end
  end
  return true
end

return function()
  local ok, result, err = pcall(run)
  if connection then connection:close() end
  connection = nil
  if not ok then error(result, 0) end
  return result, err
end
