--- The options of the Redis store.

local checks = require "apivideo.util.checks"
local host = require "apivideo.runtime.host"

local known = {
  name = "string?", client = "function?", release = "function?", host = "string?", port = "integer>=1<=65535?",
  path = "string?", username = "string?", password = "string?", database = "integer>=0<=2147483647?",
  tls = "boolean?", ca_file = "string?",
}

---@class apivideo.RedisOptions
---@field name? string the prefix of the store's keys, in braces: stores of different names share nothing; default "apivideo"
---@field host? string default "127.0.0.1"
---@field port? integer default 6379
---@field path? string a Unix socket, instead of host and port
---@field username? string a user of Redis's access control list; default: the user "default"
---@field password? string
---@field database? integer default 0
---@field tls? boolean uses TLS, and checks the server's certificate; default false
---@field ca_file? string the certificates that TLS trusts instead of the system's; in nginx that is `lua_ssl_trusted_certificate`
---@field client? fun(): table in nginx, a connected client of lua-resty-redis instead of these: for sentinels
---@field release? fun(client: table, broken: boolean) releases such a client after a call; the default returns it to its pool, or closes it if it is broken

local redis_options = {}

--- What is wrong with the value of an option, for after its name; otherwise nil.
---@param name string of a known option
---@param value any
---@return string?
function redis_options.problem(name, value)
  local is_valid, expected = checks.matches(value, known[name])
  if not is_valid then return "must be " .. expected end
  return name == "name" and value and not value:find("^[^{}]+$") and "must be a string without { and }" or nil
end

--- Checks the options. Raises at level 4.
---@param options any
function redis_options.check(options)
  checks.options("inbox.redis", options, known, 5)
  local problem = redis_options.problem("name", options.name)
  if problem then error("inbox.redis: option \"name\" " .. problem, 4) end
  if options.release and not options.client then
    error("inbox.redis: option \"release\" is for clients of the option \"client\"", 4)
  end
  if options.username and not options.password then
    error("inbox.redis: option \"username\" needs \"password\": Redis takes both in one command", 4)
  end
  if options.tls and options.path then
    error("inbox.redis: option \"tls\" is for a host, and \"path\" is a Unix socket", 4)
  end
  if options.ca_file and not options.tls then
    error("inbox.redis: option \"ca_file\" needs \"tls\"", 4)
  end
  if options.ca_file and host.ngx then
    error("inbox.redis: option \"ca_file\" is for scripts; set nginx's directive lua_ssl_trusted_certificate", 4)
  end
  for _, name in ipairs { "host", "port", "path", "username", "password", "database", "tls" } do
    if options.client and options[name] then
      error(("inbox.redis: option \"%s\" has no effect with \"client\""):format(name), 4)
    end
  end
end

--- The name of the inbox.
---@param options apivideo.RedisOptions
---@return string
function redis_options.name_of(options)
  return options.name or "apivideo"
end

--- The address of the server, for messages.
---@param options apivideo.RedisOptions
---@return string
function redis_options.address_of(options)
  if options.client then return "a client of the application" end
  return options.path or ("%s:%d"):format(options.host or "127.0.0.1", options.port or 6379)
end

--- What is said of a server without the inbox.
---@param options apivideo.RedisOptions
---@return string
function redis_options.problem_of_absence(options)
  local place = options.client and "" or (" in database %d"):format(options.database or 0)
  return ("Redis (%s) has no inbox with the name %s%s"):format(redis_options.address_of(options),
    redis_options.name_of(options), place)
end

return redis_options
