--- The option `--store`, and the inbox that it names. Only `inbox import --create` creates an inbox: with a mistyped path
--- or name, no worker would get its events.

local apivideo = require "apivideo"
local redis_options = require "apivideo.inbox.redis.options"
local shell = require "apivideo.util.shell"
local sqlite_place = require "apivideo.inbox.sqlite.place"
local url = require "apivideo.cli.url"

local EACCES = 13 -- on all systems
local VARIABLE = "APIVIDEO_STORE"
local EXAMPLE = "write, for example, --store sqlite:inbox.db, or --store redis://127.0.0.1:6379/0?name=apivideo"

local store = {
  -- What to do if a server has no inbox.
  CREATE_IN_REDIS = "correct --store, or start a worker: the first worker, or the first event, creates it",
}

--- The message without a store.
store.MISSING = "no inbox; use --store sqlite:PATH or --store redis://HOST:PORT/DATABASE, or set " .. VARIABLE

local function decoded(text)
  return text and text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end) or nil
end

-- The options that follow the user and the password: host[:port][/database][?name=…]. Nil and a remedy, or nil alone.
local function options_of_place(text)
  local address, database, query = text:match "^([^/?#]+)/?(%d*)(.*)$"
  local name = query and query:match "^%?name=([^&]+)$"
  if not address or query ~= "" and not name then
    return nil, query and query:find "^%?" and "write the name of the inbox as ?name=NAME, the only parameter" or nil
  end
  local host, port = address:match "^%[(.+)%]:?(%d*)$" -- IPv6
  if not host then host, port = address:match "^([^:]+):?(%d*)$" end
  if not host then return nil end
  local options = { host = host, port = tonumber(port), database = tonumber(database), name = decoded(name) }
  for _, option in ipairs { "port", "database", "name" } do
    local problem = redis_options.problem(option, options[option])
    if problem then return nil, ("the %s %s"):format(option, problem) end
  end
  return options
end

-- The user and the password before "@", which are "" without one. Nil and a remedy if they can be read in two ways.
local function credentials_of(text)
  if text:find "[@/?#]" or text:find ":.*:" then return nil, url.ENCODE end
  local user, password = text:match "^([^:]*):(.+)$"
  if not user then
    return nil, "write redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST for a password without a user"
  end
  return user, password
end

-- The place in a URL: redis://[[user]:password@]host[:port][/database][?name=…]; rediss:// for TLS. Nil and a remedy, or
-- nil alone.
local function redis_place(text)
  local scheme, rest = text:match "^(rediss?)://(.*)$"
  if not scheme then return nil end
  local user, password
  local credentials, address = rest:match "^(.*)@(.*)$"
  if credentials then
    user, password = credentials_of(credentials)
    if not user then return nil, password end
  end
  address = address or rest
  local options, remedy = options_of_place(address)
  if not options then return nil, remedy end
  options.tls = scheme == "rediss" or nil
  options.username, options.password = user ~= "" and decoded(user) or nil, decoded(password)
  return { redis = options, text = ("%s://%s%s"):format(scheme, user and user .. ":PASSWORD@" or "", address) }
end

-- The place in a text that is the value of the option or variable. Its `text` is without the password.
local function parse(text, origin)
  local path = text:match "^sqlite:(.+)$"
  if path then return { sqlite = path, text = text } end
  local place, remedy = redis_place(text)
  if place then return place end
  return nil, ("%s must be sqlite:PATH or redis://HOST:PORT/DATABASE, got '%s'; %s"):format(origin, url.shown(text),
    remedy or EXAMPLE)
end

--- Defines the option.
---@param sub table of argparse
---@return table option
function store.define(sub)
  return sub:option("--store", "The inbox: sqlite:PATH or redis://HOST:PORT/DATABASE?name=NAME. Default: the"
    .. " environment variable APIVIDEO_STORE. A password of Redis, as in redis://USER:PASSWORD@HOST, should be"
    .. " there."):argname "<store>":convert(function(text) return parse(text, "--store") end)
end

--- Why a SQLite file cannot be read, and what to do; nil if it can be.
---@param path string
---@param remedy string if it does not exist
---@return string? problem
---@return string? remedy
function store.sqlite_problem(path, remedy)
  local kind_problem, kind_remedy = sqlite_place.kind_problem(path)
  if kind_problem then return ("%s: %s"):format(path, kind_problem), kind_remedy end
  local file, problem, number = io.open(path, "rb")
  if file then
    file:close()
    return nil
  end
  if number ~= EACCES then return problem, remedy end
  return problem .. sqlite_place.owners(path), sqlite_place.remedy(path, true) or sqlite_place.RUN_AS_OWNER
end

--- Whether an inbox exists; false or nil and the status and the message of the command, if not.
---@param place { sqlite?: string, redis?: table }
---@param redis_store? apivideo.RedisStore
---@param create? boolean as of `open`
---@return boolean|nil
---@return integer? status
---@return any message
function store.check_exists(place, redis_store, create)
  local remedy = create == false and "use --create to create it"
  if place.sqlite then
    local problem, what = store.sqlite_problem(place.sqlite,
      remedy or "correct --store, or start the program that works on the inbox, which creates it")
    if problem then return false, 2, ("--store: %s; %s"):format(problem, what) end
    return true
  end
  local exists, err = redis_store:exists()
  if exists then return true end
  return false, 1, err or ("--store: %s; %s"):format(redis_options.problem_of_absence(place.redis),
    remedy or store.CREATE_IN_REDIS)
end

--- The option as it was given, for a command to run next, without a password; empty without it.
---@param place? { text: string } the value of the option
---@return string
function store.option_text(place)
  if not place then return "" end
  return " --store " .. shell.quote(place.text)
end

--- The inbox that the option, or otherwise the environment, names.
---@param arguments table
---@return { sqlite?: string, redis?: table, text: string }|nil place
---@return string? problem
function store.place(arguments)
  if arguments.store then return arguments.store end
  local text = os.getenv(VARIABLE) or ""
  if text ~= "" then return parse(text, VARIABLE) end
end

--- Opens the inbox.
---@param arguments table
---@param create? boolean whether an inbox that does not exist is created; nil: the command has no option for it
---@return apivideo.Inbox|nil inbox
---@return integer? status of the command after a failure
---@return any problem
function store.open(arguments, create)
  local place, problem = store.place(arguments)
  if not place then return nil, 2, problem or store.MISSING end
  apivideo.log { level = "error" } -- `apivideo doctor` warns of the settings of Redis
  local redis_store = place.redis and apivideo.inbox.redis(place.redis)
  if not create then
    local exists, status, message = store.check_exists(place, redis_store, create)
    if not exists then return nil, status, message end
  end
  return apivideo.inbox { store = redis_store or apivideo.inbox.sqlite { path = place.sqlite } }
end

--- Opens the inbox, calls a function with it, and closes it.
---@param arguments table
---@param run fun(inbox: apivideo.Inbox): integer, any returns the status and the message of the command
---@param create? boolean as of `open`
---@return integer status
---@return any message
function store.with(arguments, run, create)
  local inbox, status, message = store.open(arguments, create)
  if not inbox then return status, message end
  status, message = run(inbox)
  inbox:close()
  return status, message
end

return store
