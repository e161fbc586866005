-- Group commit: which calls share a transaction, and what a slow, full or failing store does to those that wait.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local group = require "apivideo.inbox.group"
local nginx_lua = require "spec.support.nginx_lua"
local runtime = require "apivideo.runtime"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"

describe("group commit", function()
  local sizes, finished, calls

  -- Each transaction lasts until `finished` opens.
  before_each(function()
    sizes, finished = {}, runtime.latch()
    calls = group.new(function(items)
      sizes[#sizes + 1] = #items
      return finished:wait() and items
    end)
  end)

  after_each(function() testing.clock:reset() end)

  -- Makes calls in tasks; the list of their results and errors, which grows.
  local function call(from, to)
    local results = {}
    for i = from, to do
      runtime.spawn(function()
        local result, err = calls:call(i)
        results[i] = result or err
      end)
    end
    return results
  end

  local function begun(count) wait_for(function() return #sizes == count end, "transaction " .. count) end

  it("has one transaction at a time; the calls that are made during it share the next one", function()
    local first = call(1, 1)
    begun(1)
    local others = call(2, 20)
    for _ = 1, 10 do runtime.pass() end
    local more = call(21, 30)
    for _ = 1, 10 do runtime.pass() end
    assert.same({ 1 }, sizes)
    finished:open(true)
    wait_for(function() return more[30] end, "the results")
    assert.same({ 1, 29 }, sizes)
    assert.equal(1, first[1])
    for i = 2, 20 do assert.equal(i, others[i]) end
    for i = 21, 30 do assert.equal(i, more[i]) end
  end)

  it("rejects calls when too many wait", function()
    call(1, 1)
    begun(1)
    local waiting, rejected = call(2, 10001), call(10002, 10002)
    wait_for(function() return rejected[10002] end, "the rejected call")
    assert.matches("store_unavailable: too many calls wait", tostring(rejected[10002]))
    finished:open(true)
    wait_for(function() return waiting[10001] end, "the last that waited")
    assert.equal(2, waiting[2])
  end)

  it("does not wait for ever for a store that does not respond", function()
    local results = call(1, 1)
    begun(1)
    local others = call(2, 2)
    runtime.pass()
    testing.clock:advance(6)
    wait_for(function() return results[1] and others[2] end, "the timeouts")
    assert.matches("store_unavailable: .*within 5 s", tostring(results[1]))
    assert.matches("store_unavailable: .*within 5 s", tostring(others[2]))
    finished:open(true)
    wait_for(function() return #sizes == 2 end, "the next transaction")
    assert.equal(3, apivideo.parallel(1, { 3 }, function(i) return calls:call(i) end)[1])
  end)

  it("continues after errors of the store, of Lua, and of a task that could not be started", function()
    local problem = function() error "bug" end
    calls = group.new(function(items) return problem(items) end)
    assert.matches("bug", tostring(select(2, calls:call(1))))
    problem = function() return nil, errors.new("store_unavailable", "full") end
    assert.matches("full", tostring(select(2, calls:call(1))))
    problem = function(items) return items end
    local pass, spawn = runtime.pass, runtime.spawn
    finally(function() runtime.pass, runtime.spawn = pass, spawn end)
    runtime.pass = function() error "no memory" end
    assert.equal(1, calls:call(1))
    runtime.pass = pass
    runtime.spawn = function() error "no memory" end
    assert.has_error(function() calls:call(1) end)
    runtime.spawn = spawn
    assert.equal(2, calls:call(2))
  end)

  it("does not count on a task that has not returned for 2 s", function()
    local first = call(1, 1)
    begun(1)
    local others = call(2, 3)
    runtime.pass()
    testing.clock:advance(3)
    begun(2)
    assert.same({ 1, 2 }, sizes)
    finished:open(true)
    wait_for(function() return first[1] and others[3] end, "the results")
    assert.same({ 1, 2, 3 }, { first[1], others[2], others[3] })
  end)

  it("executes a batch once, although its task continues after it counted as lost", function()
    local pass, continued = runtime.pass, runtime.latch()
    finally(function() runtime.pass = pass end)
    runtime.pass = function()
      runtime.pass = pass
      continued:wait()
    end
    finished:open(true)
    local results = call(1, 1)
    wait_for(function() return runtime.pass == pass end, "the task")
    testing.clock:advance(3)
    wait_for(function() return results[1] end, "the result")
    continued:open()
    for _ = 1, 10 do runtime.pass() end
    assert.same({ 1 }, sizes)
  end)

  it("executes a call that is made in its own task, such as by a finalizer", function()
    local inner
    calls = group.new(function(items)
      if items[1] == "outer" then
        runtime.spawn(function() testing.clock:advance(3) end)
        inner = calls:call "inner"
      end
      return items
    end)
    assert.equal("outer", calls:call "outer")
    assert.equal("inner", inner)
  end)

  it("wakes the calls of a batch although no task can be started for the next one", function()
    local spawn = runtime.spawn
    local first = call(1, 1)
    begun(1)
    local others = call(2, 2)
    runtime.pass()
    finally(function() runtime.spawn = spawn end)
    runtime.spawn = function() error "no memory" end
    finished:open(true)
    wait_for(function() return first[1] end, "the first result")
    assert.equal(1, first[1])
    wait_for(function() return others[2] end, "the second result")
    assert.equal(2, others[2])
  end)
end)

-- The first transaction lasts until the location /finish is requested.
local APP = [[
local group, runtime = require "apivideo.inbox.group", require "apivideo.runtime"
local app = { sizes = {}, finished = runtime.latch() }
app.calls = group.new(function(items)
  app.sizes[#app.sizes + 1] = #items
  app.finished:wait()
  return items
end)
function app.call(item)
  local result, err = app.calls:call(item)
  ngx.print(tostring(result or err), " ", table.concat(app.sizes, " "))
end
return app
]]

-- A request that nginx ends while its call is executed; one that waits for the same transaction; and one that waits for
-- a batch while another request waits for the next one.
local LOCATIONS = [[
location = /ended {
  content_by_lua_block {
    local app = require "app"
    ngx.thread.spawn(function() app.calls:call "ended" end)
    repeat ngx.sleep(0.001) until #app.sizes == 1
    ngx.thread.spawn(function() app.calls:call "of the next" end)
    ngx.exit(204)
  }
}
location = /timers { content_by_lua_block { ngx.print(ngx.timer.running_count()) } }
location = /finish { content_by_lua_block { require("app").finished:open() } }
location = /next { content_by_lua_block { require("app").call "next" } }
location = /two {
  content_by_lua_block {
    local app = require "app"
    local first = ngx.thread.spawn(function() app.call "first" end)
    repeat ngx.sleep(0.001) until #app.sizes == 1
    ngx.thread.spawn(function() app.calls:call "second" end)
    app.finished:open()
    app.finished = require("apivideo.runtime").latch()
    ngx.thread.wait(first)
    ngx.exit(200)
  }
}
]]

nginx_lua.describe("group commit in nginx #process", function()
  local nginx

  after_each(function() nginx:stop() end)

  local function start(http)
    nginx = nginx_lua.start { workers = 1, http = http, server = LOCATIONS, files = { ["app.lua"] = APP } }
  end

  it("executes calls of requests that nginx has ended, and the others do not wait longer", function()
    start()
    assert.equal(204, nginx:request("/ended").status)
    assert.equal(200, nginx:request("/finish").status)
    assert.matches("^next 1 [12]", nginx:get "/next")
  end)

  it("continues after nginx has ended a request that executed a batch because there was no timer", function()
    start "lua_max_pending_timers 0;"
    assert.equal(204, nginx:request("/ended").status)
    assert.equal(200, nginx:request("/finish").status)
    assert.matches("^next 1 ", nginx:get "/next")
    assert.matches("^next 1 ", nginx:get "/next")
  end)

  it("does not delay the request that executes a batch by the next one, without a timer", function()
    start "lua_max_pending_timers 0;"
    assert.equal("first 1", nginx:get "/two")
  end)

  it("executes a batch at once when nginx drops the timer of its task", function()
    start [[
      lua_max_running_timers 1;
      init_worker_by_lua_block {
        ngx.timer.at(0, function() while not ngx.worker.exiting() do ngx.sleep(0.01) end end)
      }
    ]]
    wait_for(function() return nginx:get "/timers" == "1" end, "the timer that occupies the only place")
    assert.equal(200, nginx:request("/finish").status)
    local began = runtime.monotonic()
    for _ = 1, 8 do assert.matches("^next 1", nginx:get "/next") end
    assert.is_true(runtime.monotonic() - began < 4)
  end)
end)
