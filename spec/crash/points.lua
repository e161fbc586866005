--- Boundaries at which a process kills or stops itself: around the calls of a store and, inside them, around the
--- operations of the database or the server. The store has no code for it.

local protected = require "apivideo.util.pcall"

local points = {}

local plan         -- { name, at, signal }: the signal at a visit of a boundary
-- Task -> its current call of the store: in Redis, the calls of several tasks may run at once.
local operations = setmetatable({}, { __mode = "k" })
local visits = 0

local function own_pid()
  local file = assert(io.open "/proc/self/stat")
  local pid = file:read "*n"
  file:close()
  return pid
end

--- Visits a boundary. A process that is killed there does not return.
function points.visit(name)
  if not plan or plan.name ~= name then return end
  visits = visits + 1
  if visits < plan.at then return end
  local signal = plan.signal
  plan = nil
  io.stdout:write("at ", name, "\n")
  io.stdout:flush()
  os.execute(("kill -%s %d"):format(signal, own_pid()))
end

-- The task that runs now.
local function current_task()
  local co = coroutine.running()
  return co and protected.root(co) or "none"
end

local function visit_stage(stage)
  local operation = operations[current_task()]
  if operation then points.visit(operation .. ":" .. stage) end
end

-- Visits `written` and `committed` in SQLite's transactions.
local function watch_sqlite()
  local connection = assert(require("DBI").Connect("SQLite3", ":memory:"))
  local of_connections = getmetatable(connection).__index
  local of_statements = getmetatable(connection:prepare "SELECT 1").__index
  local prepare, execute = of_connections.prepare, of_statements.execute
  local texts = setmetatable({}, { __mode = "k" })

  of_connections.prepare = function(self, sql)
    local statement, problem = prepare(self, sql)
    if statement then texts[statement] = sql end
    return statement, problem
  end

  local function after(sql, ...)
    if sql:find "^COMMIT" then
      visit_stage "committed"
    elseif sql:find "^%s*INSERT" or sql:find "^%s*UPDATE" or sql:find "^%s*CREATE" then
      visit_stage "written"
    end
    return ...
  end

  of_statements.execute = function(self, ...)
    return after(texts[self], execute(self, ...))
  end
end

-- A connection that visits `sent` and `replied`. A command is sent in the first step after it was given, unless it is
-- large.
local function watched(connection)
  local is_given
  return setmetatable({
    send = function(_, ...)
      is_given = true
      return connection:send(...)
    end,
    step = function()
      local state, value = connection:step()
      if is_given then
        is_given = false
        visit_stage "sent"
      end
      if state == "reply" then visit_stage "replied" end
      return state, value
    end,
  }, {
    __index = function(_, method)
      return function(_, ...) return connection[method](connection, ...) end
    end,
  })
end

local function watch_redis()
  local core = require "apivideo.redis.core"
  local connect = core.connect
  core.connect = function(options)
    local connection, problem = connect(options)
    if connection then return watched(connection) end
    return nil, problem
  end
end

local watches = { sqlite = watch_sqlite, redis = watch_redis }
local stages = { sqlite = { "written", "committed" }, redis = { "sent", "replied" } }

--- The names of the boundaries around some operations of a kind of store.
---@param kind "sqlite"|"redis"
---@param calls string[]
---@return string[]
function points.names(kind, calls)
  local names = {}
  for _, name in ipairs(calls) do
    for _, stage in ipairs { "before", stages[kind][1], stages[kind][2], "after" } do
      names[#names + 1] = name .. ":" .. stage
    end
  end
  return names
end

local function leave(name, ...)
  operations[current_task()] = nil
  points.visit(name .. ":after")
  return ...
end

--- Boundaries at which a worker is paused for longer than its lease: before a fenced operation, and while it may hold a
--- lock.
---@param kind "sqlite"|"redis"
function points.pauses(kind)
  return { "claim:after", "handler:before", "handler:after", "complete:" .. stages[kind][1] }
end

--- A store that visits the boundaries of its calls.
---@param store apivideo.Store
---@param kind "sqlite"|"redis"
---@param options? { name: string, at: integer, signal: string }
---@return apivideo.Store
function points.around(store, kind, options)
  if not options then return store end
  plan = options
  watches[kind]()
  local around = setmetatable({}, { __index = function(_, method)
    return store[method] and function(_, ...) return store[method](store, ...) end
  end })
  local function visiting(method, name)
    return function(_, ...)
      points.visit(name .. ":before")
      operations[current_task()] = name
      return leave(name, store[method](store, ...))
    end
  end
  for _, name in ipairs { "put", "claim", "extend", "complete", "retry", "dead_letter", "acquire", "save" } do
    around[name] = visiting(name, name)
  end
  around.complete_all = store.complete_all and visiting("complete_all", "complete")
  return around
end

return points
