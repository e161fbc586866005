--- Examines the Redis server of an inbox, without changing it.

local clients = require "apivideo.inbox.redis.clients"
local scripts = require "apivideo.inbox.redis.scripts"

---@class apivideo.inbox.RedisFacts
---@field version? string nil: the server does not allow INFO
---@field has_append_only_file? boolean
---@field memory_policy? string such as "noeviction"
---@field refusal? string why INFO is not allowed

local examine = {}

--- Examines a server.
---@param options apivideo.RedisOptions
---@return apivideo.inbox.RedisFacts|nil facts
---@return string? message why it cannot be used
function examine.server(options)
  local pool = clients.new(options)
  local client, problem = pool:take()
  if not client then return nil, problem end
  local about
  about, problem = client:ask("eval", scripts.about, "0")
  pool:give(client, not about)
  pool:close()
  if not about then return nil, problem end
  if about[4] then return { refusal = about[4] } end
  return { version = about[1], has_append_only_file = about[2] == "1", memory_policy = about[3] }
end

return examine
