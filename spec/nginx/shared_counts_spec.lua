-- Counts that nginx's workers share: when they reach the shared dictionary.

local nginx_lua = require "spec.support.nginx_lua"
local wait_for = require "spec.support.wait"

-- A counter and a histogram, and what the dictionary has of them.
local APP = [[
local metrics = require("apivideo.runtime.metrics").new { store = ngx.shared.counts }
local counter, histogram = metrics:_counter("c", "C."), metrics:_histogram("h", "H.")
local app = {}
function app.add()
  counter:with():add(2)
  histogram:with():observe(3)
end
function app.stored()
  local dictionary = ngx.shared.counts
  return ("%s %s"):format(dictionary:get "apivideo:metrics:c{}", dictionary:get "apivideo:metrics:h{}:sum")
end
function app.known() return ("%s %s"):format(counter:with():get(), histogram:with():sum()) end
return app
]]

local LOCATIONS = [[
location = /add { content_by_lua_block { require("app").add() ngx.print(require("app").stored()) } }
location = /running { content_by_lua_block { ngx.print(ngx.timer.running_count()) } }
location = /stored { content_by_lua_block { ngx.print(require("app").stored()) } }
location = /known { content_by_lua_block { ngx.print(require("app").known(), " ", require("app").stored()) } }
]]

nginx_lua.describe("shared counts in nginx #process", function()
  local nginx

  after_each(function() nginx:stop() end)

  local function start(http)
    nginx = nginx_lua.start {
      workers = 1, server = LOCATIONS, files = { ["app.lua"] = APP },
      http = "lua_shared_dict counts 1m; " .. (http or ""),
    }
  end

  it("are in the dictionary soon, once", function()
    start()
    assert.equal("nil nil", nginx:get "/add")
    wait_for(function() return nginx:get "/stored" == "2 3" end, "the counts in the dictionary")
    assert.equal("2 3", nginx:get "/add")
    wait_for(function() return nginx:get "/stored" == "4 6" end, "the next counts")
  end)

  it("are in the dictionary when they are read, so that another worker does not know less", function()
    start()
    assert.equal("nil nil", nginx:get "/add")
    assert.equal("2 3 2 3", nginx:get "/known")
    assert.equal("2 3", nginx:get "/add")
    wait_for(function() return nginx:get "/stored" == "4 6" end, "the next counts")
  end)

  it("survive the end of their worker", function()
    start()
    assert.equal("nil nil", nginx:get "/add")
    nginx:reload()
    assert.equal("2 3", nginx:get "/stored")
  end)

  it("are in the dictionary at once where nginx has no timers", function()
    start "lua_max_pending_timers 0; init_by_lua_block { require('app').add() }"
    assert.equal("2 3", nginx:get "/stored")
    assert.equal("4 6", nginx:get "/add")
  end)

  it("reach the dictionary with later ones when nginx drops the timer", function()
    start [[
      lua_max_running_timers 1;
      init_worker_by_lua_block {
        ngx.timer.at(0, function() while not ngx.worker.exiting() do ngx.sleep(0.01) end end)
      }
    ]]
    wait_for(function() return nginx:get "/running" == "1" end, "the timer that occupies the only place")
    assert.equal("nil nil", nginx:get "/add")
    wait_for(function() return nginx:get "/add" ~= "nil nil" end, "the counts in the dictionary")
  end)
end)
