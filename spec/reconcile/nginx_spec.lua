-- A reconciliation in the workers of a real nginx: one of them makes each pass.

local nginx_lua = require "spec.support.nginx_lua"
local reconciling = require "spec.support.reconciling"
local running = require "spec.support.running"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"

local path = os.tmpname()

local APP = [[
  local apivideo = require "apivideo"
  return apivideo.reconcile {
    client = apivideo.client { api_key = "key", base_url = "@url@" }, every = 1,
    inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = "@path@" } },
  }
]]

nginx_lua.describe("reconciliation:run in nginx #process", function()
  after_each(function()
    running.stop()
    for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
  end)

  it("makes passes in one worker at a time, and ends with the worker", function()
    reconciling.start()
    reconciling.put_video "vi1"
    local nginx = nginx_lua.start {
      workers = 2, files = { ["app.lua"] = APP:gsub("@url@", reconciling.api.url):gsub("@path@", path) },
      http = [[init_worker_by_lua_block { ngx.timer.at(0, function() require("app"):run() end) }]],
      server = "",
    }
    running.add(function() nginx:stop() end)
    local function passes() return reconciling.requests "GET /videos$" end
    wait_for(function() return passes() >= 1 end, "a pass")
    reconciling.put_video "vi2"
    wait_for(function() return passes() >= 3 end, "three passes", 30)
    reconciling.over(sqlite { path = path })
    running.add(function() reconciling.store:close() end)
    wait_for(function() return #reconciling.found() == 10 end, "the events of both videos", 30)
  end)
end)
