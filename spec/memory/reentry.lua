--- For busted's --helper: finalizers call every function of the C modules during the allocations of other calls, also
--- on the specs' own pools and servers. So the state that C code reads before an allocation and uses after it has
--- changed.
---
--- Before a call, the collector is brought to the phase that runs finalizers, with some at each allocation. What a
--- finalizer takes out of a spec's pool or server is returned by the spec's next call, so that the specs pass
--- unchanged if the modules support re-entry.

local busted = require "busted"
local core = require "apivideo.core"
local gc = require "spec.support.gc"
local http = require "apivideo.core.http"
local server_core = require "apivideo.server.core"

local jit = rawget(_G, "jit")
if jit then jit.off() end -- the compiler eliminates allocations

local ARMED_CALLS = 60     -- of each function, during which finalizers run: the first ones, and some later ones
local FINALIZERS = 300     -- pending when such a call begins
local CALLS_MIN = 1000     -- made by finalizers; with fewer, the check has not checked anything

local unpack = table.unpack or unpack -- luacheck: ignore 143
local function pack(...) return { n = select("#", ...), ... } end

local KEY, BODY = "key", '{"type":"a","f":"x","list":[1,{"b":"\\n"}]}'
local SIGNED = core.signature.sign(BODY, KEY)
local parse = core.event.compile { a = { required = { "f" } } }

-- The URL of a port without a listener: that of a closed server.
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
local pools, servers = weak(), weak() -- -> what finalizers have taken out of them
local raw_step, raw_next, raw_run = POOL.step, SERVER.next, SERVER.run

-- The entries of `list`, then those of `more`; nil if both are empty.
local function joined(list, more)
  if #list == 0 then return more end
  for _, item in ipairs(more or {}) do list[#list + 1] = item end
  return list
end

-- Whether a finalizer has taken a request that the spec has not read yet. Then the server's descriptor is not
-- readable, so a pool must not wait for it.
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
  pools[pool] = fresh -- created before, because creating a table may run a finalizer
  return joined(taken, finished), waiting and fds or ready
end

function SERVER.run(server)
  local results = pack(raw_run(server)) -- the last result: whether requests are ready
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

-- A pool of the finalizers' own, with finished and cancelled transfers.
function calls.own_pool()
  local pool = assert(http.new())
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
    -- Raises if the pool is closed, or in a call that must not be re-entered.
    local ok, finished = pcall(raw_step, pool, 0)
    if ok then pools[pool] = joined(taken, finished) or {} end
  end
end

function calls.servers()
  for server, taken in pairs(servers) do
    if pcall(raw_run, server) then
      repeat -- all of them, because the descriptor does not signal them again
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

-- Calls that use descriptors are rare.
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
if newproxy then -- Lua 5.1 has finalizers for userdata only
  local first = newproxy(true)
  getmetatable(first).__gc = finalize
  function new_object() newproxy(first) end
else
  local metatable = { __gc = finalize }
  function new_object() setmetatable({}, metatable) end
end

-- Brings the collector to the phase that runs finalizers; from now on, some run at each allocation. Lua 5.4 has small
-- steps for this; Lua 5.1 and LuaJIT run a step at each allocation while the collector has debt.
local function arm()
  for _ = 1, FINALIZERS do new_object() end
  gc.set(nil, 1000)
  local before = made
  while made == before do collectgarbage("step", 0) end
  gc.set(nil, 10)
  if newproxy then local _ = ("x"):rep(2 ^ 20 + made) end
end

-- Wraps a function so that finalizers run during some of its calls.
local function armed(fn)
  local count = 0
  return function(...)
    if finalizing then return fn(...) end -- the collector does not run in finalizers
    count = count + 1
    if count <= ARMED_CALLS / 2 or count <= 50 * ARMED_CALLS and count % 100 == 0 then arm() end
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

for _, functions in pairs { core, http, core.event, core.signature, server_core, POOL, SERVER,
  registry["apivideo.http.transfer"].__index, registry["apivideo.hmac"].__index } do
  arm_all(functions)
end
gc.set(200, 100, gc.SMALL_STEP)

busted.subscribe({ "suite", "end" }, function()
  collectgarbage "stop"
  io.stderr:write(("finalizers made %d calls\n"):format(made))
  for problem in pairs(problems) do io.stderr:write("a finalizer's call failed: ", problem, "\n") end
  if next(problems) or made < CALLS_MIN then os.exit(1) end
  return nil, true -- continue with the other subscribers
end)
