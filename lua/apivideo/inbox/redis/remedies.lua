--- What to do about an error of Redis, or of the connection to it.

local permissions = require "apivideo.inbox.redis.permissions"

local remedies = {}

-- The error names the command; Redis 7.2 and later name the user, too.
local function allow_command(options, problem)
  return permissions.line(options, "+" .. problem:match "to run the '([^']+)' command",
    problem:match "User (%S+) has no permissions")
end

local function allow_keys(options)
  local name = options.name or "apivideo"
  return ("correct the name of the inbox (%s), or allow its keys; "):format(name)
    .. permissions.line(options, ("~{%s}:*"):format(name))
end

local function correct_user(options)
  if options.username or options.client then
    return "correct the user and the password; Redis forgets users of ACL SETUSER when it ends, unless they are saved"
  end
  return "correct the password, which is that of the user default if no user is given; for another user, set"
    .. " the option username, or write it before the password in the URL"
end

local OF_PRIMARY = "this server is a replica: give the address of the primary"

-- A pattern of the error in lower case, and its remedy. Redis 7.0, and later versions, have different texts for a missing
-- right.
local REMEDIES = {
  { "^noauth", "give the user and the password" },
  { "^wrongpass", correct_user },
  { "^err auth <password> called without any password", correct_user },
  { "no permissions to run the '[^']+' command", allow_command },
  { "no permissions to access", allow_keys },
  { "the user executing the script can't run", "allow the commands of the inbox to the user: docs/guides/inbox.md#redis"
    .. " has the line, and apivideo doctor names those that are missing" },
  { "^oom command not allowed", "raise maxmemory of Redis, or shorten the option retention of the inbox;"
    .. " docs/guides/inbox.md#redis has how much memory an event takes" },
  { "^readonly", OF_PRIMARY },
  { "^masterdown", OF_PRIMARY },
  { "^err db index is out of range", "correct the number of the database" },
  { "^the server does not speak tls", "use its port for TLS (tls-port in redis.conf), or connect without TLS: no"
    .. " option tls, or redis:// instead of rediss://" },
  { "^connection refused", "start it, or correct the host and the port" },
}

--- A problem with its remedy.
---@param options { client?: function, username?: string, name?: string } of the store
---@param problem string an error of Redis, or of the connection
---@return string problem without a full stop
---@return string? remedy nil: it is not known
function remedies.of(options, problem)
  problem = problem:gsub("%.$", "")
  for _, each in ipairs(REMEDIES) do
    local remedy = each[2]
    if problem:lower():find(each[1]) then
      problem = problem:gsub(" script: %x+, on @user_script:%d+$", "") -- a place in our script
      return problem, type(remedy) == "function" and remedy(options, problem) or remedy
    end
  end
  return problem
end

return remedies
