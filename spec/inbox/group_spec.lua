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
    local waiting, rejected = call(2, 1001), call(1002, 1002)
    wait_for(function() return rejected[1002] end, "the rejected call")
    assert.matches("store_unavailable: too many calls wait", tostring(rejected[1002]))
    finished:open(true)
    wait_for(function() return waiting[1001] end, "the last that waited")
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
    runtime.pass = function() error "no memory" end
    assert.matches("no memory", tostring(select(2, calls:call(1))))
    runtime.pass = pass
    runtime.spawn = function() error "no memory" end
    assert.has_error(function() calls:call(1) end)
    runtime.spawn = spawn
    assert.equal(2, calls:call(2))
  end)
end)

local APP = [[
local group, runtime = require "apivideo.inbox.group", require "apivideo.runtime"
local app = { sizes = {} }
app.calls = group.new(function(items)
  app.sizes[#app.sizes + 1] = #items
  if #app.sizes == 1 then runtime.sleep(0.5) end
  return items
end)
return app
]]

-- A request that nginx ends while its call is executed; and one that waits for the same transaction.
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
location = /next {
  content_by_lua_block {
    local app = require "app"
    local result, err = app.calls:call "next"
    ngx.print(tostring(result or err), " ", table.concat(app.sizes, " "))
  }
}
]]

nginx_lua.describe("group commit in nginx #process", function()
  it("executes calls of requests that nginx has ended, and the others do not wait longer", function()
    local nginx = nginx_lua.start { workers = 1, server = LOCATIONS, files = { ["app.lua"] = APP } }
    finally(function() nginx:stop() end)
    assert.equal(204, nginx:request("/ended").status)
    assert.equal("next 1 2", nginx:get "/next")
  end)
end)
