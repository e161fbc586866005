-- types/ describes the modules in C for editors. It is compared with the loaded modules, both ways.

local annotations = require "spec.support.annotations"
local cli_core = require "apivideo.cli.core"
local core = require "apivideo.core"
local docs = require "spec.support.docs"
local json = require "cjson"
local redis_core = require "apivideo.redis.core"
local thread_core = require "apivideo.thread.core"
local server_core = require "apivideo.server.core"

local stubs = { cli = "types/cli_core.lua", core = "types/core.lua", redis = "types/redis_core.lua",
  server = "types/server_core.lua", thread = "types/thread_core.lua" }

-- The names of a table's functions.
local function functions_of(members)
  local names = {}
  for name, value in pairs(members) do
    if type(value) == "function" then names[name] = true end
  end
  return names
end

-- The methods of a class that a file declares: function Pool:start() end
local function declared_methods(path, class)
  local names, own = {}, nil
  for _, block in ipairs(annotations.blocks(path)) do
    local name, object = block[1] and block[1].tag == "class" and block[1].text:match "^[%w_.]+",
      block.code:match "^local ([%w_]+) = {}$"
    if object then own = name == class end
    local method = own and block.code:match "^function [%w_]+:([%w_]+)%(.*%) end$"
    if method then names[method] = true end
  end
  return names
end

-- The metatable is locked for getmetatable.
local function methods_of(object)
  return functions_of(debug.getmetatable(object).__index)
end

describe("the types of the modules in C", function()
  it("are where .luarc.json says", function()
    local settings = json.decode(docs.read ".luarc.json")
    assert.truthy(docs.read(settings["workspace.library"][1] .. "/core.lua"))
    for i, module in ipairs { "apivideo.error", "apivideo", "spec.support.docs" } do
      local path = settings["runtime.path"][i]:gsub("%?", (module:gsub("%.", "/")))
      assert.truthy(docs.read(path))
    end
  end)

  it("declare the functions of apivideo.core", function()
    local declared = dofile(stubs.core)
    assert.same(functions_of(core), functions_of(declared))
    for name, value in pairs(core) do
      if type(value) == "table" then
        assert.same(functions_of(value), functions_of(declared[name] or {}), name)
      end
    end
    for name in pairs(declared) do assert.not_nil(core[name], name) end
  end)

  it("declare the functions of apivideo.server.core", function()
    assert.same(functions_of(server_core), functions_of(dofile(stubs.server)))
  end)

  it("declare the functions of apivideo.cli.core", function()
    assert.same(functions_of(cli_core), functions_of(dofile(stubs.cli)))
  end)

  it("declare the functions and methods of apivideo.redis.core", function()
    assert.same(functions_of(redis_core), functions_of(dofile(stubs.redis)))
    local connection = assert(redis_core.connect { host = "127.0.0.1", port = 1, reply_max = 1 })
    assert.same(methods_of(connection), declared_methods(stubs.redis, "apivideo.redis.Connection"))
    connection:close()
  end)

  it("declare the functions and methods of apivideo.thread.core", function()
    assert.same(functions_of(thread_core), functions_of(dofile(stubs.thread)))
    local thread = assert(thread_core.start("none", "", "", 1, 1))
    assert.same(methods_of(thread), declared_methods(stubs.thread, "apivideo.thread.Thread"))
    thread:close()
  end)

  it("declare the methods of a pool and its transfers", function()
    local pool = assert(core.http.new())
    local transfer = assert(pool:start { method = "GET", url = "http://127.0.0.1:9/", timeout = 1, connect_timeout = 1,
      max_body = 1, max_header = 1 })
    assert.same(methods_of(pool), declared_methods(stubs.core, "apivideo.core.Pool"))
    assert.same(methods_of(transfer), declared_methods(stubs.core, "apivideo.core.Transfer"))
    transfer:cancel()
    pool:close()
  end)

  it("declare the methods of an HMAC", function()
    assert.same(methods_of(core.signature.hmac "secret"), declared_methods(stubs.core, "apivideo.core.Hmac"))
  end)

  it("declare the methods of a catcher of signals", function()
    local catcher = assert(core.signals.catch())
    local methods = methods_of(catcher)
    catcher:close()
    assert.same(methods, declared_methods(stubs.core, "apivideo.core.Catcher"))
  end)

  it("declare the methods of a server, with either way to wait for it", function()
    local server = assert(server_core.new("127.0.0.1", 0, 1, 1, 1))
    local methods = methods_of(server)
    server:close()
    assert.not_equal(methods.fd, methods.list_fds)
    methods.fd, methods.list_fds = true, true
    assert.same(methods, declared_methods(stubs.server, "apivideo.server.Core"))
  end)
end)
