--- Specs of calls of the API from inside a real nginx: the application, and the API.

local apivideo = require "apivideo"
local busted = require "busted"
local nginx_lua = require "spec.support.nginx_lua"
local peer = require "spec.support.peer"
local raw_client = require "spec.support.raw"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

-- The application of these specs: `app.call(path)` makes a call and returns its result in one word;
-- `app.note(key, ...)` stores it for /notes/<key>.
local APP = [[
local apivideo = require "apivideo"
local notes = ngx.shared.notes
local app = { apivideo = apivideo, runtime = require "apivideo.runtime" }
app.client = apivideo.client { api_key = "test-key", base_url = "@api@", retries = 0, rate_limit = false }

function app.call(path, options, client)
  local result, err = (client or app.client):request("GET", path or "/now", options)
  return result and "ok" or err.kind .. " " .. err.message
end

function app.note(key, ...) notes:set(key, table.concat({ ... }, " ")) end

return app
]]

local SERVER = [[
location /call/ { content_by_lua_block { ngx.print(require("app").call("/" .. ngx.var.uri:sub(7))) } }
location /notes/ { content_by_lua_block { ngx.print(ngx.shared.notes:get(ngx.var.uri:sub(8)) or "nothing") } }
]]

local nginx_calls = {}

--- A client that requests a token first, for all requests of a worker.
nginx_calls.BEARER = [[ init_by_lua_block {
  local app = require "app"
  bearer = app.apivideo.client { api_key = "k", base_url = app.client.base_url, auth = "bearer", retries = 0 }
} ]]

-- Starts the API: a peer that responds to /now at once, to /gate/<n> when n requests wait at the gate, and to /hold on
-- demand.
local function start_api()
  local self = { most = 0, held = 0, closed = 0, released = runtime.latch() }
  local waiting, gate, arrived = 0, runtime.latch(), 0
  -- Each group of `many` requests has a latch of its own: a request that arrives while a group leaves belongs to the
  -- next one.
  local function wait_at_gate(many)
    local mine = gate
    waiting, arrived = waiting + 1, arrived + 1
    self.most = math.max(self.most, waiting)
    if arrived == many then
      gate, arrived = runtime.latch(), 0
      mine:open()
    end
    mine:wait()
    waiting = waiting - 1
  end
  local listening = peer.start(function(connection)
    while true do
      local request = connection:read_request()
      if not request then break end
      local many = request.line:match("/gate/(%d+)")
      if many then
        wait_at_gate(tonumber(many))
      elseif request.line:find("/hold", 1, true) or request.line:find("/auth", 1, true) then
        self.held = self.held + 1
        self.released:wait()
      end
      if not connection:respond("200 OK", "Content-Type: application/json\r\n",
        '{"access_token":"a-token","refresh_token":"r","expires_in":3600,"token_type":"Bearer"}') then break end
    end
    self.closed = self.closed + 1
  end)
  self.url, self.stop = listening.url, listening.stop
  function self.connections() return listening.connections end
  return self
end

local api, nginx

--- Starts nginx with additional directives of the http block, and additional locations.
function nginx_calls.start(block, server, more)
  local options = tables.merge({
    http = "lua_shared_dict notes 1m; " .. (block or ""), server = SERVER .. (server or ""),
    files = { ["app.lua"] = (APP:gsub("@api@", more and more.api or api.url)) },
  }, more)
  options.api = nil
  nginx = nginx_lua.start(options)
  return nginx
end

--- Waits for a note of the application. Returns its text.
function nginx_calls.note(key)
  return wait_for(function()
    local text = nginx:get("/notes/" .. key)
    return text ~= "nothing" and text
  end, "the note " .. key)
end

--- Requests paths at the same time. Returns the bodies.
function nginx_calls.get_all(paths)
  return (apivideo.parallel(#paths, paths, function(path) return nginx:get(path) end))
end

function nginx_calls.repeated(path, times)
  local paths = {}
  for i = 1, times do paths[i] = path end
  return paths
end

--- Starts a request, and closes its connection while it is processed.
function nginx_calls.leave(path, under_way)
  local connection = raw_client.connect(nginx.port)
  connection:send("GET " .. path .. " HTTP/1.1\r\nHost: x\r\n\r\n")
  wait_for(under_way, path)
  connection:close()
  wait_for(function() return nginx:log():find("client prematurely closed connection", 1, true) end, "the abort")
end

--- Describes calls in nginx. Pending where there is no nginx with Lua.
function nginx_calls.describe(fn)
  nginx_lua.describe("calls in nginx #process", function()
    busted.before_each(function() api = start_api() end)

    busted.after_each(function()
      api.released:open()
      if nginx then nginx:stop() end
      api.stop()
      nginx = nil
    end)

    fn()
  end)
end

--- The API of the test.
function nginx_calls.api() return api end

return nginx_calls
