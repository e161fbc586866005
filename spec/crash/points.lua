--- Boundaries at which a process kills or stops itself: around the calls of a store and, inside them, around the
--- operations of the database or the server. The store has no code for it.

local points = {}

local plan         -- { name, at, signal }: the signal at a visit of a boundary
local operation    -- the current call of the store
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

local function visit_stage(stage)
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

-- A socket that visits `sent` and `replied`.
local function watched(socket)
  local waits = false
  return setmetatable({
    send = function(_, ...)
      local sent, problem, last = socket:send(...)
      waits = true
      visit_stage "sent"
      return sent, problem, last
    end,
    receive = function(_, ...)
      local line, problem, partial = socket:receive(...)
      if waits and line then
        waits = false
        visit_stage "replied"
      end
      return line, problem, partial
    end,
  }, {
    __index = function(_, method)
      return function(_, ...) return socket[method](socket, ...) end
    end,
  })
end

local function watch_redis()
  local socket = require "socket"
  local tcp = socket.tcp
  socket.tcp = function() return watched(tcp()) end -- luacheck: ignore
end

local watches = { sqlite = watch_sqlite, redis = watch_redis }
local stages = { sqlite = { "written", "committed" }, redis = { "sent", "replied" } }

--- The names of the boundaries around some operations of a kind of store.
---@param kind "sqlite"|"redis"
---@param operations string[]
---@return string[]
function points.names(kind, operations)
  local names = {}
  for _, name in ipairs(operations) do
    for _, stage in ipairs { "before", stages[kind][1], stages[kind][2], "after" } do
      names[#names + 1] = name .. ":" .. stage
    end
  end
  return names
end

local function leave(name, ...)
  operation = nil
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
      operation = name
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
