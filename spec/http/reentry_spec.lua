-- Any allocation in a C function may run a finalizer, which may call the module's functions on the same pool and
-- the same transfer.

if require "spec.support.alone"("spec/http/reentry_spec.lua", it) then return end

local core = require "apivideo.core"
local finalizer = require "spec.support.finalizer"
local free_port = require "spec.support.free_port"
local process = require "spec.support.process"
local socket = require "socket"

local closed_port = free_port()
local FACTOR = os.getenv "APIVIDEO_SLOW" and 0.2 or 1 -- scales the number of rounds, which are slow under valgrind

local function request(url)
  return { method = "GET", url = url or "http://127.0.0.1:" .. closed_port .. "/", timeout = 60,
    connect_timeout = 60, max_body = 1e6, max_header = 1e5, proxy = "" }
end

local HEADERS = {}
for i = 1, 40 do HEADERS[i] = ("X-Header-%d: value %d of many\r\n"):format(i % 30, i) end
local BODY = ("body "):rep(400)
local RESPONSE = ("HTTP/1.1 200 OK\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s")
  :format(table.concat(HEADERS), #BODY, BODY)

-- A transfer that has its response, and has not been taken from its pool.
local function finished_transfer(pool, listening)
  local _, port = listening:getsockname()
  local transfer = assert(pool:start(request("http://127.0.0.1:" .. port .. "/")))
  pool:step(0)
  local connection = assert(listening:accept())
  repeat
    pool:step(0)
    connection:settimeout(0.001)
    local line = connection:receive "*l"
  until line == ""
  connection:settimeout(60)
  assert(connection:send(RESPONSE))
  connection:close()
  return transfer
end

local function assert_whole(response)
  assert.equal(200, response.status)
  assert.equal(BODY, response.body)
  assert.same({ "value 1 of many", "value 31 of many" }, response.headers["x-header-1"])
  assert.equal("value 20 of many", response.headers["x-header-20"])
end

describe("core.http, when a finalizer re-enters it,", function()
  local listening

  before_each(function()
    listening = assert(socket.bind("127.0.0.1", 0))
    listening:settimeout(60)
  end)

  after_each(function() listening:close() end)

  it("loses no transfer of the step that collects them, and reports none twice", function()
    local runs = 0
    for _ = 1, 100 * FACTOR do
      local pool = assert(core.http.new())
      local seen, count = {}, 0
      local function take(finished)
        assert.is_true(finished == nil or #finished > 0)
        for _, transfer in ipairs(finished or {}) do
          assert.is_nil(seen[transfer])
          seen[transfer], count = true, count + 1
        end
      end
      runs = runs + finalizer.stress(function() take((pool:step(0))) end, function(attack)
        for _ = 1, 3 do assert(pool:start(request())) end
        while count < 3 do take((attack(pool.step, pool, 1))) end
      end)
      assert.equal(3, count)
      pool:close()
    end
    assert.is_true(runs > 50 * FACTOR)
  end)

  for _, name in ipairs { "result", "cancel", "__gc", "__close" } do
    it("reads a complete response during a call of the transfer's " .. name, function()
      for _ = 1, 30 * FACTOR do
        local pool = assert(core.http.new())
        local transfer = finished_transfer(pool, listening)
        repeat until pool:step(60)
        local nested, response
        finalizer.stress(function()
          local result = transfer[name](transfer)
          if result then nested = result end
        end, function(attack) response = attack(transfer.result, transfer) end)
        if nested then
          assert_whole(nested)
          assert.is_nil(response)
        elseif name == "result" or response then
          assert_whole(response)
        end
        assert.equal("cancelled", select(2, transfer:result()))
        pool:close()
      end
    end)
  end

  -- In another process, because a failed assertion would abort it.
  it("reads a response that no step has reported during a step #process", function()
    -- From 5.2 on, and with LuaJIT of 2024 and newer, an error in a finalizer is only printed.
    local probe = process.run { "-e", [[
      if newproxy then getmetatable(newproxy(true)).__gc = function() error "raised" end end
      print(newproxy and pcall(collectgarbage))]] }
    if not probe:find "^false" then pending "here, an error of a finalizer does not end a step" end
    local output, status = process.run { "-e", [[
      local core = require "apivideo.core"
      local server = assert(require("apivideo.server.core").new("127.0.0.1", 0, 1e6, 30, 10))
      local pool = assert(core.http.new())
      local reenter = function() end
      local function litter()
        for _ = 1, 50 do getmetatable(newproxy(true)).__gc = function() reenter() end end
      end
      local function once(fn)
        return function()
          reenter = function() end
          fn()
        end
      end
      if jit then jit.off() end
      collectgarbage "stop"
      local transfer = assert(pool:start { method = "GET", url = "http://127.0.0.1:" .. select(2, server:address()),
        timeout = 60, connect_timeout = 60, max_body = 1e6, max_header = 1e5, proxy = "" })
      local id
      repeat
        pool:step(0)
        server:run()
        id = server:next()
      until id
      server:respond(id, 200, nil, "body")
      for _ = 1, 3 do server:run() end
      os.execute "sleep 0.1"
      collectgarbage("setpause", 0)
      collectgarbage("setstepmul", 1000000) -- each step is a full cycle
      litter()
      local step, result, collector = pool.step, transfer.result, collectgarbage
      reenter = once(function() error("raised", 0) end)
      collector "restart"
      local ok, err = pcall(step, pool, 0)
      collector "stop"
      print(ok, err)
      litter()
      local nested
      reenter = once(function() nested = pool:step(0) end)
      collector "restart"
      local response = result(transfer)
      collector "stop"
      print(response.body, nested)]] }
    assert.equal("false\traised\nbody\tnil\n", output)
    assert.equal(0, status)
  end)

  it("reads a complete response while the pool is closed", function()
    for _ = 1, 30 * FACTOR do
      local pool = assert(core.http.new())
      local transfer = finished_transfer(pool, listening)
      repeat until pool:step(60)
      local response
      finalizer.stress(function() pool:close() end, function(attack)
        response = attack(transfer.result, transfer)
      end)
      assert_whole(response)
    end
  end)

  it("starts no transfer in a pool that is closed at the same time", function()
    local rejected = 0
    for _ = 1, 100 * FACTOR do
      local pool = assert(core.http.new())
      -- The pool keeps one handle for the next transfer, and the one of the last.
      for _ = 1, 2 do
        assert(pool:start(request()))
        repeat until pool:step(1)
      end
      local options = request()
      options.headers = { "X-A: b" }
      local started, err
      finalizer.stress(function() pool:close() end, function(attack)
        started, err = pcall(attack, pool.start, pool, options)
      end)
      if not started then
        assert.matches("the pool is closed", err)
        rejected = rejected + 1
      end
      pool:close()
    end
    assert.is_true(rejected > 20 * FACTOR)
  end)

  it("does not start a request when reading a field of it closes the pool", function()
    local pool = assert(core.http.new())
    for _ = 1, 2 do
      assert(pool:start(request()))
      repeat until pool:step(1)
    end
    local fields = request()
    local options = setmetatable({}, { __index = function(_, name)
      if name == "body" then pool:close() end
      return fields[name]
    end })
    local ok, err = pcall(pool.start, pool, options)
    assert.is_false(ok)
    assert.matches("the pool is closed", err)
  end)

  it("stays intact for any sequence of methods on pools and transfers", function()
    local pools, transfers = {}, {}
    local turn = 0
    local calls = {
      function(pool) return pool:step(0) end,
      function(pool) return pool:start(request()) end,
      function(pool) return pool:forked() end,
      function(_, transfer) return transfer:result() end,
      function(_, transfer) return transfer:cancel() end,
      function(pool) if turn % 7 == 0 then pool:close() end end,
      function(_, transfer) return transfer:__gc() end,
      function(pool) if turn % 11 == 0 then pool:__gc() end end,
      function() return core.http.new() end,
    }
    local function reenter()
      turn = turn + 1
      local pool, transfer = pools[turn % #pools + 1], transfers[turn % #transfers + 1]
      pcall(calls[turn % #calls + 1], pool, transfer)
    end
    local runs = finalizer.stress(reenter, function(attack)
      for _ = 1, 60 * FACTOR do
        for i = 1, 2 do
          pools[i] = attack(core.http.new)
          for j = 1, 3 do
            local started, transfer = pcall(attack, pools[i].start, pools[i], request())
            transfers[i * 3 + j - 3] = started and transfer or transfers[1]
          end
        end
        for _ = 1, 20 do
          for i = 1, 2 do pcall(attack, pools[i].step, pools[i], 0.001, {}) end
        end
        for _, transfer in pairs(transfers) do pcall(attack, transfer.result, transfer) end
      end
    end)
    assert.is_true(runs > 100 * FACTOR)
  end)
end)

describe("core.http", function()
  -- Whether the result of `make` is collected while `kept` is in use.
  local function is_released(make)
    local weak = setmetatable({}, { __mode = "v" })
    weak[1] = make()
    collectgarbage()
    collectgarbage()
    return weak[1] == nil
  end

  it("releases a transfer when its result is read before the step that reports it", function()
    local pool = assert(core.http.new())
    assert.is_true(is_released(function()
      local transfer = assert(pool:start(request "http://[::g]/")) -- fails at once
      assert.equal("invalid_request", select(2, transfer:result()))
      return transfer
    end))
    assert.is_nil((pool:step(0)))
    pool:close()
  end)

  it("releases the transfers of a pool that is closed", function()
    local pool = assert(core.http.new())
    assert.is_true(is_released(function()
      local transfer = assert(pool:start(request()))
      pool:close()
      return transfer
    end))
    assert.is_false(pcall(pool.step, pool, 0))
  end)

  it("accepts only seconds and descriptors that C can represent", function()
    local pool = assert(core.http.new())
    assert.is_nil((pool:step(-1e300)))
    assert.is_false(pcall(pool.step, pool, "soon"))
    local done, problem = pcall(pool.step, pool, 0 / 0)
    assert.is_false(done)
    assert.matches("seconds expected, got NaN", problem)
    for _, fd in ipairs { 0 / 0, 1e300, -1e300, -1, 0.5, 2 ^ 31, 2 ^ 32, 2 ^ 53, "0", {} } do
      local ok, err = pcall(pool.step, pool, 0, { fd })
      assert.is_false(ok, tostring(fd))
      assert.matches("descriptor", err)
    end
    pool:close()
  end)
end)
