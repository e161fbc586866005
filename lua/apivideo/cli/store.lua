--- The option `--store`, and the inbox that it names. The command never creates an inbox: with a mistyped path, no
--- worker would get its events.

local apivideo = require "apivideo"

local VARIABLE = "APIVIDEO_STORE"
local EXAMPLE = "write, for example, --store sqlite:inbox.db, or --store redis://127.0.0.1:6379/0?name=apivideo"

local store = {}

--- The message without a store.
store.MISSING = "no inbox; use --store sqlite:PATH or --store redis://HOST:PORT/DATABASE, or set " .. VARIABLE

local function decoded(text)
  return text and text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end) or nil
end

-- The options of apivideo.inbox.redis in a URL: redis://[[user]:password@]host[:port][/database][?name=…]; rediss:// for
-- TLS.
local function redis_options(text)
  local scheme, authority, database, query = text:match "^(rediss?)://([^/?]+)/?(%d*)(.*)$"
  local name = query and query:match "^%?name=([^&]+)$"
  if not authority or query ~= "" and not name then return nil end
  local credentials, address = authority:match "^(.*)@(.*)$"
  address = address or authority
  local host, port = address:match "^%[(.+)%]:?(%d*)$" -- IPv6
  if not host then host, port = address:match "^([^:]+):?(%d*)$" end
  if not host then return nil end
  local user, password = (credentials or ""):match "^([^:]*):(.+)$"
  return { host = host, port = tonumber(port), tls = scheme == "rediss" or nil, database = tonumber(database),
    name = decoded(name), username = user ~= "" and decoded(user) or nil, password = decoded(password) }
end

-- The place in a text that is the value of the option or variable.
local function parse(text, origin)
  local path = text:match "^sqlite:(.+)$"
  if path then return { sqlite = path } end
  local redis = redis_options(text)
  if redis then return { redis = redis } end
  return nil, ("%s must be sqlite:PATH or redis://HOST:PORT/DATABASE, got '%s'; %s"):format(origin, text, EXAMPLE)
end

--- Defines the option.
---@param sub table of argparse
---@return table option
function store.define(sub)
  return sub:option("--store", "The inbox: sqlite:PATH or redis://HOST:PORT/DATABASE?name=NAME. Default: the"
    .. " environment variable APIVIDEO_STORE, which a Redis password should be in."):argname "<store>"
    :convert(function(text) return parse(text, "--store") end)
end

-- What is wrong with the path of a SQLite inbox; otherwise nil.
local function path_problem(path)
  local file, problem = io.open(path, "rb")
  if not file then
    return ("--store: %s; start the program that works on the inbox, which creates it"):format(problem)
  end
  file:close()
end

--- The inbox that the option, or otherwise the environment, names.
---@param arguments table
---@return { sqlite?: string, redis?: table }|nil place
---@return string? problem
function store.place(arguments)
  if arguments.store then return arguments.store end
  local text = os.getenv(VARIABLE) or ""
  if text ~= "" then return parse(text, VARIABLE) end
end

--- Opens the inbox.
---@param arguments table
---@param create? boolean whether a SQLite inbox that does not exist is created
---@return apivideo.Inbox|nil inbox
---@return string? problem
function store.open(arguments, create)
  local place, problem = store.place(arguments)
  if not place then return nil, problem or store.MISSING end
  apivideo.log { level = "error" } -- `apivideo doctor` warns of the settings of Redis
  if place.redis then return apivideo.inbox { store = apivideo.inbox.redis(place.redis) } end
  problem = not create and path_problem(place.sqlite)
  if problem then return nil, problem end
  return apivideo.inbox { store = apivideo.inbox.sqlite { path = place.sqlite } }
end

return store
