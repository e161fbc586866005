--- Finalizers that call the core server during another call.

if require "spec.support.alone"("spec/server/reentry_spec.lua", it) then return end

local core = require "apivideo.server.core"
local finalizers = require "spec.support.finalizers"
local raw = require "spec.support.raw"
local wait_for = require "spec.support.wait"

local function pack(...) return { n = select("#", ...), ... } end

describe("the core server, re-entered by finalizers", function()
  local server, connections

  -- A server that has received this many requests.
  local function server_with(count)
    server = assert(core.new("127.0.0.1", 0, 1000, 30, 100))
    local _, port = server:address()
    for i = 1, count do
      local connection = raw.connect(port)
      connections[i] = connection
      connection:send(("POST /%d HTTP/1.1\r\nHost: x\r\nX-Some: header\r\nContent-Length: 4\r\n\r\nbody"):format(i))
    end
    wait_for(function()
      server:run()
      return server:active() == count
    end)
    for _ = 1, 4 do server:run() end
    return server
  end

  before_each(function() connections = {} end)

  after_each(function()
    server:close()
    for _, connection in ipairs(connections) do connection:close() end
  end)

  it("returns each request once when a finalizer takes requests during next()", function()
    server_with(5)
    local taken = {}
    local function take(self)
      local id, method, target, headers, body = self:next()
      if not id then return false end
      taken[#taken + 1] = table.concat({ method, target, headers["x-some"], body }, " ")
      return true
    end
    local calls = 0
    while true do
      local ok, more, count = finalizers.during(function() take(server) end, take, server)
      assert.is_true(ok, more)
      calls = calls + count
      if not more then break end
    end
    assert.is_true(calls > 0)
    table.sort(taken)
    local expected = {}
    for i = 1, 5 do expected[i] = ("POST /%d header body"):format(i) end
    assert.same(expected, taken)
  end)

  -- The arguments of each public function.
  local function arguments_of(name, id)
    if name == "respond" then return { id, 200, { ["X-A"] = "b" }, 12345.5 } end -- a number: converting it to a string allocates
    if name == "cut" then return { id, 12345.5, "close" } end
    if name == "refuse" then return { 0 } end
    return {}
  end

  local names = { "fd", "address", "run", "next", "respond", "cut", "refuse", "stop_accepting", "active", "close" }

  local function call(name, id)
    if name == "fd" and not server.fd then return server:list_fds({}, {}) end -- without epoll
    return server[name](server, (table.unpack or unpack)(arguments_of(name, id)))
  end

  for _, outer in ipairs(names) do
    for _, inner in ipairs(names) do
      it(("survives %s() inside of %s()"):format(inner, outer), function()
        server_with(3)
        local first = server:next()
        local result = pack(finalizers.during(function() call(inner, first) end, call, outer, first))
        assert.is_true(result[1], result[2])
        if inner == "close" and result[result.n] > 0 then
          assert.is_nil(server:next())
          assert.is_false(server:respond(first, 200))
          assert.equal(0, server:active())
        end
      end)
    end
  end

  it("does not respond to queued requests by their ids", function()
    server_with(3)
    local first = server:next()
    for id = first + 1, first + 2 do
      assert.is_false(server:cut(id, "", "hold"))
      assert.is_false(server:respond(id, 200))
    end
    assert.equal("/2", (select(3, server:next())))
    assert.equal("/3", (select(3, server:next())))
    assert.is_nil(server:next())
  end)

  it("creates other servers while one is created", function()
    local others = {}
    local ok, made, calls = finalizers.during(function()
      if #others < 3 then others[#others + 1] = assert(core.new("127.0.0.1", 0, 1000, 30, 10)) end
    end, core.new, "127.0.0.1", 0, 1000, 30, 10)
    assert.is_true(ok)
    assert.is_true(calls >= 0)
    server = made
    local _, port = made:address()
    assert.is_true(port > 0)
    for _, other in ipairs(others) do other:close() end
  end)

  it("discards a response with an invalid header, and accepts another one", function()
    server_with(1)
    local id = server:next()
    local ok, err = finalizers.during(function() server:run() end, server.respond, server, id, 200,
      { ["X-Good"] = "a", ["X-Bad"] = "a\nb" })
    assert.is_false(ok)
    assert.truthy(tostring(err):find('header "X-Bad"', 1, true))
    assert.is_true(server:respond(id, 201))
    for _ = 1, 4 do server:run() end
    assert.equal(201, (connections[1]:read()))
  end)
end)
