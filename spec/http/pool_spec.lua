-- The pool of transfers of the C module.

local core = require "apivideo.core"

describe("core.http", function()
  local function request(url)
    return { method = "GET", url = url, timeout = 5, connect_timeout = 5, max_body = 1000,
      max_header = 10000 }
  end

  it("raises an error for invalid requests", function()
    local pool = assert(core.http.new())
    for _, bad in ipairs {
      function() pool:start() end,
      function() pool:start {} end,
      function() local r = request "http://x/"; r.timeout = 0; pool:start(r) end,
      function() local r = request "http://x/"; r.timeout = -1; pool:start(r) end,
      function() local r = request "http://x/"; r.timeout = 0 / 0; pool:start(r) end,
      function() local r = request "http://x/"; r.timeout = math.huge; pool:start(r) end,
      function() local r = request "http://x/"; r.max_body = nil; pool:start(r) end,
      function() local r = request "http://x/"; r.url = 5; pool:start(r) end,
      function() local r = request "http://x/"; r.headers = "X: y"; pool:start(r) end,
      function() local r = request "http://x/"; r.body = {}; pool:start(r) end,
      function() local r = request "http://x/"; r.http2 = "no"; pool:start(r) end,
      function() local r = request "http://x/"; r.proxy = true; pool:start(r) end,
      function() local r = request "http://x/"; r.client_cert = 5; pool:start(r) end,
      function() local r = request "http://x/"; r.client_key = "a\0b"; pool:start(r) end,
      function() pool:step() end,
      function() pool:step(0, 5) end,
      function() pool:step(0, { "x" }) end,
      function() pool.step({}, 0) end,
    } do
      assert.is_false(pcall(bad))
    end
  end)

  it("keeps running transfers alive, and frees them with the pool, in any order", function()
    local listening = assert(require("socket").bind("127.0.0.1", 0))
    local _, port = listening:getsockname()
    local url = "http://127.0.0.1:" .. port
    for _ = 1, 20 do
      local pool = assert(core.http.new())
      local kept = assert(pool:start(request(url)))
      assert(pool:start(request(url)))
      collectgarbage()
      pool:step(0)
      if _ % 2 == 0 then pool:close() end
      pool = nil -- luacheck: ignore
      collectgarbage()
      local response, kind = kept:result()
      assert.is_nil(response)
      if _ % 2 == 0 then assert.equal("cancelled", kind) end
    end
    listening:close()
    collectgarbage()
  end)

  it("releases a transfer that is cancelled", function()
    local pool = assert(core.http.new())
    local weak = setmetatable({}, { __mode = "v" })
    weak[1] = assert(pool:start(request "http://127.0.0.1:1/"))
    weak[1]:cancel()
    assert.equal("cancelled", select(2, weak[1]:result()))
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
    assert.is_nil((pool:step(0)))
    assert.is_false(pcall(pool.step, nil, 0))
  end)

  it("cannot be used once it is closed", function()
    local pool = assert(core.http.new())
    pool:close()
    pool:close()
    assert.has_error(function() pool:step(0) end)
    assert.has_error(function() pool:start(request "http://127.0.0.1/") end)
  end)
end)
