--- For busted's --helper: finalizers that call every function of the C modules while another call of theirs
--- allocates, on the specs' own pools and servers, too. State that C read before an allocation and uses after
--- it has changed by then.
---
--- Before a call the collector is driven to where it runs finalizers, and to run some at each allocation. What
--- a finalizer takes out of a spec's pool or server is handed over to the spec's next call, so that the specs
--- pass unchanged when the modules stand re-entry.

local busted = require "busted"
local core = require "apivideo.core"
local gc = require "spec.support.gc"
local server_core = require "apivideo.server.core"

local jit = rawget(_G, "jit")
if jit then jit.off() end -- the compiler sinks allocations

local CALLS = 60        -- of each function during which finalizers run: the first ones, and some later ones
local FINALIZERS = 300  -- that wait as such a call begins
local LEAST = 1000      -- calls that finalizers have made at the end, or the check has checked nothing

local unpack = table.unpack or unpack -- luacheck: ignore 143
local function pack(...) return { n = select("#", ...), ... } end

local KEY, BODY = "key", '{"type":"a","f":"x","list":[1,{"b":"\\n"}]}'
local SIGNED = core.signature.sign(BODY, KEY)
local parse = core.event.compile { a = { required = { "f" } } }

-- A port that nothing listens on: of a server that is closed.
local closed
do
  local server = assert(server_core.new("127.0.0.1", 0, 10, 10, 10))
  closed = ("http://127.0.0.1:%d/"):format(select(2, server:address()))
  server:close()
end

local REQUEST = { method = "GET", url = closed, headers = { "X-Name: value" },
  timeout = 5, connect_timeout = 5, max_body = 1000, max_header = 1000 }

-- ---- the specs' pools and servers ----

local registry = debug.getregistry()
local POOL, SERVER = registry["apivideo.http.pool"].__index, registry["apivideo.server"].__index -- their methods

local function weak() return setmetatable({}, { __mode = "k" }) end
local pools, servers = weak(), weak() -- -> what finalizers took out of them
local raw_step, raw_next, raw_run = POOL.step, SERVER.next, SERVER.run

-- The entries of `list`, then those of `more`; nil for none.
local function joined(list, more)
  if #list == 0 then return more end
  for _, item in ipairs(more or {}) do list[#list + 1] = item end
  return list
end

-- Whether a finalizer has taken a request that its server has not been asked for since. Nothing can be read
-- from that server's descriptor then.
local function is_waiting()
  for _, taken in pairs(servers) do
    if #taken > 0 then return true end
  end
  return false
end

function POOL.step(pool, seconds, fds)
  local waiting, fresh = is_waiting(), {}
  pools[pool] = pools[pool] or {}
  local finished, ready = raw_step(pool, (waiting or #pools[pool] > 0) and 0 or seconds, fds)
  local taken = pools[pool]
  pools[pool] = fresh -- made before, as a finalizer may run when a table is
  return joined(taken, finished), waiting and fds or ready
end

function SERVER.run(server)
  local results = pack(raw_run(server)) -- the last one is whether requests are ready
  servers[server] = servers[server] or {}
  if #servers[server] > 0 then results[results.n] = true end
  return unpack(results, 1, results.n)
end

function SERVER.next(server)
  servers[server] = servers[server] or {}
  local request = #servers[server] == 0 and pack(raw_next(server))
  if not request or request.n == 0 then request = table.remove(servers[server], 1) or { n = 0 } end
  if request.n > 0 then request[request.n] = request[request.n] or #servers[server] > 0 end
  return unpack(request, 1, request.n)
end

-- ---- the calls ----

local calls = {}

function calls.core()
  core.now()
  core.monotonic()
  assert(#core.random(16) == 16)
end

function calls.event()
  assert(parse(BODY).list[2].b == "\n")
  assert(parse "{" == nil)
  assert(core.timestamp "2024-01-01T00:00:00Z" == 1704067200)
  local own = core.event.compile { a = { required = { "f", "g" } }, b = { required = { "g" } } }
  assert(select(4, own(BODY)) == "g")
end

function calls.signature()
  assert(core.signature.sign(BODY, KEY) == SIGNED)
  assert(core.signature.verify(BODY, SIGNED, { "another", KEY }))
  assert(core.signature.verify(BODY, SIGNED, KEY))
end

function calls.hmac()
  assert(core.signature.hmac(KEY):update(BODY):sign() == SIGNED)
  assert(core.signature.hmac(KEY):update(BODY):verify(SIGNED))
end

-- A pool of the finalizers' own, whose transfers end and are cancelled.
function calls.own_pool()
  local pool = assert(core.http.new())
  local transfer, cancelled = assert(pool:start(REQUEST)), assert(pool:start(REQUEST))
  assert(not pool:forked())
  cancelled:cancel()
  raw_step(pool, 0)
  transfer:result()
  pool:start(REQUEST)
  pool:close()
  assert(cancelled:result() == nil)
end

-- A server of the finalizers' own.
function calls.own_server()
  local server = assert(server_core.new("127.0.0.1", 0, 10, 10, 10))
  if server.fd then server:fd() else server:list_fds({}, {}) end
  raw_run(server)
  assert(raw_next(server) == nil and server:active() == 0)
  assert(not server:respond(1, 200) and not server:cut(1, "", "close"))
  server:refuse(0)
  server:stop_accepting()
  server:close()
end

function calls.pools()
  for pool, taken in pairs(pools) do
    -- Closed by now, or in the middle of a call that is not to be re-entered: it says so.
    local ok, finished = pcall(raw_step, pool, 0)
    if ok then pools[pool] = joined(taken, finished) or {} end
  end
end

function calls.servers()
  for server, taken in pairs(servers) do
    if pcall(raw_run, server) then
      repeat -- all of them, as its descriptor tells of no more
        local request = pack(raw_next(server))
        if request.n > 0 then taken[#taken + 1] = request end
      until request.n == 0
      server:active()
      server:address()
      server:respond(0, 200)
    end
  end
end

-- ---- the finalizers ----

local names = {}
for name in pairs(calls) do names[#names + 1] = name end
table.sort(names)

local made, problems = 0, {}
local finalizing = false

-- The calls that cost descriptors come seldom.
local function finalize()
  made = made + 1
  local name = names[made % #names + 1]
  if name:find "^own" and made % 100 > #names then name = "pools" end
  finalizing = true
  local ok, err = pcall(calls[name])
  finalizing = false
  if not ok then problems[name .. ": " .. tostring(err)] = true end
end

local new_object
if newproxy then -- Lua 5.1 has finalizers of userdata only
  local first = newproxy(true)
  getmetatable(first).__gc = finalize
  function new_object() newproxy(first) end
else
  local metatable = { __gc = finalize }
  function new_object() setmetatable({}, metatable) end
end

-- Drives the collector to where it runs finalizers: from now on some run at each allocation. Lua 5.4 has
-- steps of any size for that; Lua 5.1 and LuaJIT take one at each allocation while they are in debt.
local function arm()
  for _ = 1, FINALIZERS do new_object() end
  gc.set(nil, 1000)
  local before = made
  while made == before do collectgarbage("step", 0) end
  gc.set(nil, 10)
  if newproxy then local _ = ("x"):rep(2 ^ 20 + made) end
end

-- A function that runs finalizers during some of its calls.
local function armed(fn)
  local count = 0
  return function(...)
    if finalizing then return fn(...) end -- the collector rests
    count = count + 1
    if count <= CALLS / 2 or count <= 50 * CALLS and count % 100 == 0 then arm() end
    return fn(...)
  end
end

local function arm_all(functions)
  for name, fn in pairs(functions) do
    if type(fn) == "function" and not name:find "^__" then functions[name] = armed(fn) end
  end
end

local compile = core.event.compile
function core.event.compile(types) return armed(compile(types)) end

for _, functions in pairs { core, core.http, core.event, core.signature, server_core, POOL, SERVER,
  registry["apivideo.http.transfer"].__index, registry["apivideo.hmac"].__index } do
  arm_all(functions)
end
gc.set(200, 100, gc.SMALL_STEP)

busted.subscribe({ "suite", "end" }, function()
  collectgarbage "stop"
  io.stderr:write(("finalizers made %d calls\n"):format(made))
  for problem in pairs(problems) do io.stderr:write("a finalizer's call failed: ", problem, "\n") end
  if next(problems) or made < LEAST then os.exit(1) end
  return nil, true -- the others hear of it, too
end)
