--- The options of the Redis store.

local options = require "apivideo.util.options"

local known = {
  name = "string?", client = "function?", release = "function?", host = "string?", port = "integer>=1<=65535?",
  path = "string?", username = "string?", password = "string?", database = "integer>=0?",
}

---@class apivideo.RedisOptions
---@field name? string the prefix of the store's keys, in braces: stores of different names share nothing; default "apivideo"
---@field host? string default "127.0.0.1"
---@field port? integer default 6379
---@field path? string a Unix socket, instead of host and port
---@field username? string a user of Redis's access control list; default: the user "default"
---@field password? string
---@field database? integer default 0
---@field client? fun(): table a connected client (redis-lua; in nginx resty.redis) instead of these: for TLS, sentinels
---@field release? fun(client: table, broken: boolean) releases such a client after a call; the default keeps a client of redis-lua, returns one of resty to its pool, and closes either if it is broken

local redis_options = {}

--- Checks the options. Raises at level 4.
---@param given any
function redis_options.check(given)
  options.check("inbox.redis", given, known, 5)
  if given.name and not given.name:find("^[^{}]+$") then
    error("inbox.redis: option \"name\" must be a string without { and }", 4)
  end
  if given.release and not given.client then
    error("inbox.redis: option \"release\" is for clients of the option \"client\"", 4)
  end
  if given.username and not given.password then
    error("inbox.redis: option \"username\" needs \"password\": Redis takes both in one command", 4)
  end
  for _, name in ipairs { "host", "port", "path", "username", "password", "database" } do
    if given.client and given[name] then
      error(("inbox.redis: option \"%s\" has no effect with \"client\""):format(name), 4)
    end
  end
end

--- The address of the server, for messages.
---@param given apivideo.RedisOptions
---@return string
function redis_options.address_of(given)
  if given.client then return "a client of the application" end
  return given.path or ("%s:%d"):format(given.host or "127.0.0.1", given.port or 6379)
end

return redis_options
