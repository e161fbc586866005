-- Counts that nginx's workers share: when they reach the shared dictionary.

local nginx_lua = require "spec.support.nginx_lua"
local wait_for = require "spec.support.wait"

-- A counter and a histogram, which write what they know, and the dictionary's own numbers.
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
function app.show() ngx.print(app.stored(), " ", app.known()) end
return app
]]

local LOCATIONS = [[
location = /add { content_by_lua_block { require("app").add() require("app").show() } }
location = /show { content_by_lua_block { require("app").show() } }
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

  it("are known to their worker at once, and are in the dictionary soon, once", function()
    start()
    assert.equal("nil nil 2 3", nginx:get "/add")
    assert.matches(" 4 6$", nginx:get "/add")
    wait_for(function() return nginx:get "/show" == "4 6 4 6" end, "the counts in the dictionary")
    assert.equal("4 6 6 9", nginx:get "/add")
    wait_for(function() return nginx:get "/show" == "6 9 6 9" end, "the next counts")
  end)

  it("survive the end of their worker", function()
    start()
    assert.equal("nil nil 2 3", nginx:get "/add")
    nginx:reload()
    assert.equal("2 3 2 3", nginx:get "/show")
  end)

  it("are in the dictionary at once where nginx has no timers", function()
    start "lua_max_pending_timers 0; init_by_lua_block { require('app').add() }"
    assert.equal("2 3 2 3", nginx:get "/show")
    assert.equal("4 6 4 6", nginx:get "/add")
  end)
end)
