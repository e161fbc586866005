--- Examines the Redis server of an inbox, without changing it.

local clients = require "apivideo.inbox.redis.clients"
local redis_options = require "apivideo.inbox.redis.options"
local scripts = require "apivideo.inbox.redis.scripts"

---@class apivideo.inbox.RedisFacts
---@field product "Redis"|"Valkey"
---@field version? string of the product; nil: the server does not allow INFO
---@field has_append_only_file? boolean
---@field append_fsync? string when it is synced: "always", "everysec" or "no"; nil: CONFIG GET is not allowed
---@field memory_policy? string such as "noeviction"
---@field memory_percent? integer of maxmemory that is used; 0 without a limit
---@field is_replica? boolean
---@field refusal? string why INFO is not allowed
---@field missing string[] commands of the inbox that the user may not run

local unpack = table.unpack or unpack

local examine = {
  MIN_MAJOR = 7, -- the oldest major version of Redis that an inbox can use
}

local function facts_of(about, missing, append_fsync)
  local version, append_only, memory_policy, valkey, refusal, memory_percent, role = unpack(about)
  if refusal ~= "" then return { product = "Redis", refusal = refusal, missing = missing } end
  return { product = valkey ~= "" and "Valkey" or "Redis", version = valkey ~= "" and valkey or version,
    has_append_only_file = append_only == "1", append_fsync = append_fsync, memory_policy = memory_policy,
    memory_percent = memory_percent, is_replica = role == "slave", missing = missing }
end

-- INFO does not tell it, and a script may not run CONFIG.
local function append_fsync_of(client)
  local reply = client:ask("config", "get", "appendfsync")
  return type(reply) == "table" and reply[2] or nil
end

-- Calls that the probes of the scripts do not make: they change nothing, and the second names a script that is unknown.
local CALLS = {
  ["script|load"] = { "script", "load", scripts.permissions },
  evalsha = { "evalsha", ("0"):rep(40), "0" },
}

-- Adds those of the calls that the user may not make.
local function add_calls(client, missing)
  for _, command in ipairs { "script|load", "evalsha" } do
    local _, problem = client:ask(unpack(CALLS[command]))
    if problem and problem:find "^NOPERM" then missing[#missing + 1] = command end
  end
end

-- The replies of the scripts. Redis before 7.0 cannot run that of the permissions, which are not needed there.
local function ask(client, options)
  local about, problem = client:ask("eval", scripts.about, "0")
  if not about then return nil, problem end
  if about[5] == "" and tonumber(about[1]:match "^%d+") < examine.MIN_MAJOR then return about, {} end
  local keys = scripts.keys_of(redis_options.name_of(options))
  local missing
  missing, problem = client:ask("eval", scripts.permissions, #keys, unpack(keys))
  if not missing then return nil, problem end
  add_calls(client, missing)
  return about, missing
end

--- Examines a server.
---@param options apivideo.RedisOptions
---@return apivideo.inbox.RedisFacts|nil facts
---@return string? message why it cannot be used
function examine.server(options)
  local pool = clients.new(options)
  local client, problem = pool:take()
  if not client then return nil, problem end
  local about, missing = ask(client, options)
  local append_fsync = about and append_fsync_of(client)
  pool:give(client, not about)
  pool:close()
  if not about then return nil, missing end
  return facts_of(about, missing, append_fsync)
end

return examine
