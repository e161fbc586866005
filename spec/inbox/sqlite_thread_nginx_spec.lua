-- The SQLite store in nginx: what the worker does while the store waits for the disk.

local nginx_lua = require "spec.support.nginx_lua"
local slow_sync = require "spec.support.slow_sync"
local socket = require "socket"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"

local DELAY_MS = 20

nginx_lua.describe("a SQLite inbox in nginx, on a slow disk #process", function()
  local disk, nginx, path

  setup(function() disk = slow_sync.new(DELAY_MS) end)
  teardown(function() disk:remove() end)

  before_each(function() path = os.tmpname() end)
  after_each(function()
    disk:release()
    nginx:stop()
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
  end)

  local function start(thread)
    nginx = nginx_lua.start {
      environment = disk.environment,
      http = ([[
        init_by_lua_block {
          apivideo = require "apivideo"
          store = apivideo.inbox.sqlite { path = "%s", thread = %s }
          inbox = apivideo.inbox { store = store }
          _, too_early = store:open()
        }
        init_worker_by_lua_block { opened, problem = inbox:open() }]]):format(path, tostring(thread)),
      server = [[
        lua_check_client_abort on;
        location /static { return 200 "static"; }
        location /opened { content_by_lua_block {
          ngx.print(tostring(opened), " ", tostring(problem), " ", too_early.message)
        } }
        location /waiting { content_by_lua_block { ngx.print(assert(inbox:stats()).waiting) } }
        location /put { content_by_lua_block {
          local raw = '{"type":"video.source.recorded","webhookId":"w","videoId":"' .. ngx.var.arg_id .. '"}'
          local event = assert(apivideo.events:parse(raw))
          ngx.print(tostring(assert(inbox:put { raw = raw, event = event })))
        } }]],
    }
    nginx:get "/static" -- when the worker has started
  end

  -- Connections with a request of the inbox each, which are not read yet.
  local puts = 0
  local function send(what)
    local connection = assert(socket.connect("127.0.0.1", nginx.port))
    connection:settimeout(30)
    puts = puts + 1
    assert(connection:send(("GET %s HTTP/1.0\r\n\r\n"):format(what:format(puts))))
    return connection
  end

  local function is_readable(connection) return socket.select({ connection }, nil, 0)[1] ~= nil end

  local function body_of(connection) return assert(connection:receive "*a"):match "\r\n\r\n(.*)$" end

  -- How many static requests get a response one after the other before 20 durable deliveries are stored, one at a time.
  local function static_responses()
    local count = 0
    for _ = 1, 20 do
      local durable = send "/put?id=%d"
      while not is_readable(durable) do
        assert.equal("static", nginx:get "/static")
        count = count + 1
      end
      assert.equal("true", body_of(durable))
    end
    return count
  end

  it("serves other requests while deliveries are being stored; without a thread it does not", function()
    start(true)
    local with = static_responses()
    nginx:stop()
    start(false)
    local without = static_responses()
    assert.is_true(with > 2 * without, with .. " " .. without)
  end)

  it("serves a request during the sync of another", function()
    start(true)
    disk:hold()
    local durable = send "/put?id=%d"
    disk:wait_until_held()
    for _ = 1, 3 do assert.equal("static", nginx:get "/static") end
    assert.is_false(is_readable(durable))
    disk:release()
    assert.equal("true", body_of(durable))
  end)

  it("is opened in init_worker_by_lua, where Lua cannot wait, and not before", function()
    start(true)
    assert.matches("^true nil inbox [^\n]*: it cannot be used before nginx has started its workers",
      nginx:get "/opened")
    assert.equal("0", nginx:get "/waiting")
  end)

  it("stores an event whose client has disconnected, and continues", function()
    start(true)
    disk:hold()
    local durable = send "/put?id=%d"
    disk:wait_until_held()
    durable:close()
    assert.equal("static", nginx:get "/static")
    disk:release()
    wait_for(function() return nginx:get "/waiting" == "1" end)
    assert.equal("true", body_of(send "/put?id=%d"))
    assert.equal("2", nginx:get "/waiting")
  end)

  it("is closed after its calls when the worker exits", function()
    start(true)
    disk:hold()
    local connections = {}
    for i = 1, 3 do connections[i] = send "/put?id=%d" end
    disk:wait_until_held()
    local pid = nginx:workers()[1]
    nginx:kill "HUP"
    wait_for(function() return #nginx:workers() == 2 end)
    disk:release()
    wait_for(function() return os.execute(("kill -0 %s 2> /dev/null"):format(pid)) ~= 0 end)
    for _, connection in ipairs(connections) do assert.equal("true", body_of(connection)) end
    local store = sqlite { path = path, thread = false }
    assert.equal(3, assert(store:stats()).waiting)
    store:close()
  end)

  it("writes its log to the error log", function()
    os.remove(path)
    start(true)
    assert.matches("%[warn%][^\n]*inbox [^\n]*: it did not exist and was created", nginx:log())
  end)
end)
