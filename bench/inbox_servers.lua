--- Starts the servers with a receiver of bench/inbox_app.lua.

local file = require "spec.support.file"
local new_program = require "bench.program"
local nginx_lua = require "spec.support.nginx_lua"
local nginx_worker = require "bench.nginx_worker"

---@class apivideo.bench.InboxServer
---@field url string of its receiver
---@field static string|nil the URL of a static location of the same worker
---@field pid string
---@field stop fun()

local servers = {}

--- The standalone server on LuaJIT.
---@param pin string a command that runs it on processor 0, or ""
---@param kind string as of bench/inbox_app.lua
---@param directory string of the inbox
---@param thread boolean whether its store has a thread
---@return apivideo.bench.InboxServer
function servers.standalone(pin, kind, directory, thread)
  local program = new_program(("%s tools/with-lua jit bench/inbox_server.lua %s %s %s"):format(pin, kind, directory,
    tostring(thread)))
  return { url = program.url .. "/webhooks", pid = program.pid, stop = program.stop }
end

--- An nginx with one worker.
---@param pin string
---@param kind string
---@param directory string
---@param thread boolean
---@param environment? string variables of nginx: "NAME=value …"
---@return apivideo.bench.InboxServer
function servers.nginx(pin, kind, directory, thread, environment)
  local nginx = nginx_lua.start {
    files = { ["inbox_app.lua"] = file.read "bench/inbox_app.lua" }, environment = environment,
    http = ([[
      init_by_lua_block { app = require "inbox_app" receiver = app.new(%q, %q, %q) }
      init_worker_by_lua_block { app.start() }
    ]]):format(kind, directory, tostring(thread)),
    server = [[
      location = /webhooks { content_by_lua_block { receiver:nginx() } }
      location = /static { return 204; }
    ]],
  }
  return { url = nginx.url .. "/webhooks", static = nginx.url .. "/static", pid = nginx_worker(nginx, pin),
    stop = function() nginx:stop() end }
end

return servers
