--- A real nginx with the Lua module for tests, with a prefix of its own and the checkout's library.

local busted = require "busted"
local compile = require "spec.support.compile"
local file = require "spec.support.file"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local lfs = require "lfs"
local shell = require "spec.support.shell"
local socket = require "socket"
local tables = require "apivideo.util.tables"
local temporary = require "spec.support.temporary"
local wait_for = require "spec.support.wait"

-- Directives of each configuration here: of the main context, and of the http block.
local MAIN = "daemon off; pid nginx.pid; error_log error.log info; user @user@;\n"
local HTTP = [[
  access_log off;
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
  lua_package_path "@root@/lua/?.lua;@root@/lua/?/init.lua;@prefix@/?.lua;;";
  lua_package_cpath "@root@/@build@/jit/?.so;;";
]]

local frame = MAIN .. [[
worker_processes @workers@; @main@
events { worker_connections @connections@; }
http {
]] .. HTTP .. [[
  lua_code_cache @code_cache@;
  @http@
  server {
    listen 127.0.0.1:@port@ @listen@;
    @server@
  }
}
]]

-- The end of the pipe on its standard input ends nginx, so that it never outlives this process.
local script = "exec 3<&0; @environment@ examples/nginx/start -p @prefix@ -c nginx.conf"
  .. " < /dev/null > @prefix@/nginx.log 2>&1 &"
  .. " pid=$!; { cat <&3 > /dev/null; kill $pid 2> /dev/null; } & wait $pid; kill $! 2> /dev/null"

local function filled(text, values)
  return (text:gsub("@([%w_]+)@", function(name) return values[name] end))
end

---@class spec.Nginx
---@field port integer
---@field url string
---@field prefix string its directory
local Nginx = {}
Nginx.__index = Nginx

--- The contents of the error log.
function Nginx:log()
  return file.read(self.prefix .. "/error.log")
end

function Nginx:kill(signal)
  return shell.succeeds(("kill -%s %s"):format(signal, self.pid))
end

--- The process ids of the workers, including those that are shutting down.
function Nginx:workers()
  local pids = {}
  for pid in file.read(("/proc/%s/task/%s/children"):format(self.pid, self.pid)):gmatch("%d+") do
    pids[#pids + 1] = pid
  end
  return pids
end

--- Reloads the configuration, and waits until the old workers have exited.
function Nginx:reload()
  local old = self:workers()
  assert(self:kill "HUP")
  wait_for(function()
    for _, pid in ipairs(old) do
      if shell.succeeds("kill -0 " .. pid) then return false end
    end
    return #self:workers() >= #old
  end, "new workers of nginx")
end

--- Stops nginx. If `gracefully`, it finishes the requests under way.
---@param gracefully? boolean
function Nginx:stop(gracefully)
  if not self.pipe then return end
  self:kill(gracefully and "QUIT" or "TERM")
  wait_for(function() return not self:kill "0" end, "nginx to exit")
  self.pipe:close()
  self.pipe = nil
  shell.succeeds("rm -rf " .. self.prefix)
end

--- Sends a request to a path. Returns a response, or nil and an error.
---@param request { method?: string, headers?: string[], body?: string }
function Nginx:request(path, request)
  local options = tables.merge({ method = "GET", timeout = 30 }, request)
  options.url = self.url .. path
  return http.request(options)
end

--- The body of a GET.
function Nginx:get(path)
  local response, err = self:request(path)
  if not response then error(("%s\n%s"):format(tostring(err), self:log())) end
  return response.body
end

local nginx_lua = {}

-- Runs nginx with directives of the http block and of its server, which must end it. Returns what it prints.
local function try(http_directives, server, arguments)
  local prefix = temporary.directory()
  file.write(prefix .. "/nginx.conf", filled(frame, {
    user = "root", main = "", workers = 1, root = prefix, prefix = prefix, build = "build", code_cache = "on",
    connections = 1024,
    http = http_directives, server = server, port = free_port(), listen = "",
  }))
  local output = compile.run(("env -u NGINX_UNDER examples/nginx/start %s -p %s -c nginx.conf 2>&1 < /dev/null")
    :format(arguments, prefix))
  shell.succeeds("rm -rf " .. prefix)
  return output
end

--- Whether nginx's Lua module supports a block directive in a location.
function nginx_lua.has(directive)
  return try("", ("location / { %s { return } }"):format(directive), "-t"):find("test is successful", 1, true) ~= nil
end

-- Whether a Lua module can be loaded in nginx. An error in init_by_lua ends nginx.
local function can_load(name)
  local directive = ("init_by_lua_block { error(pcall(require, %q) and 'it is installed', 0) }"):format(name)
  return try(directive, "", ""):find("it is installed", 1, true) ~= nil
end

--- The reason why this machine has no usable nginx with the Lua module, or nil.
function nginx_lua.missing()
  if not shell.succeeds "env -u NGINX_UNDER examples/nginx/start -v" then return "nginx is not installed" end
  if not nginx_lua.has "content_by_lua_block" then return "nginx's Lua module is not installed" end
  if not can_load "ngx.semaphore" then return "lua-resty-core is not installed" end
end

--- Describes behaviour in nginx. Pending where there is no nginx with Lua.
function nginx_lua.describe(name, fn)
  local reason = nginx_lua.missing()
  if reason then return busted.pending(name .. ": " .. reason) end
  busted.describe(name, fn)
end

---@class spec.NginxOptions
---@field server? string contents of the server block: locations
---@field config? string a whole configuration, with @port@ as its port, instead of the directives of the other options
---@field main? string directives outside the http block, such as env
---@field environment? string variables of the master process: "NAME=value …"
---@field http? string directives for the http block, such as lua_shared_dict
---@field files? table<string, string> Lua files for require, by name
---@field workers? integer default 1
---@field connections? integer worker_connections, default 1024
---@field code_cache? "on"|"off" default on
---@field user? string of the workers, default root
---@field listen? string additional parameters of listen

--- Starts nginx. It runs until it is stopped, or until this process ends.
---@param options spec.NginxOptions
---@return spec.Nginx
function nginx_lua.start(options)
  local prefix = temporary.directory()
  local self = setmetatable({ prefix = prefix, port = free_port() }, Nginx)
  self.url = (options.listen and options.listen:find("ssl") and "https" or "http") .. "://127.0.0.1:" .. self.port
  for name, text in pairs(options.files or {}) do file.write(prefix .. "/" .. name, text) end
  local values = {
    user = options.user or "root", main = options.main or "",
    environment = options.environment or "", workers = options.workers or 1,
    root = lfs.currentdir(), prefix = prefix, build = os.getenv "APIVIDEO_BUILD" or "build",
    code_cache = options.code_cache or "on", connections = options.connections or 1024,
    http = options.http or "", server = options.server or "", port = self.port, listen = options.listen or "",
  }
  local config = options.config
    and MAIN .. options.config:gsub("http {\n", function(line) return line .. HTTP end)
  file.write(prefix .. "/nginx.conf", filled(config or frame, values))
  self.pipe = io.popen(filled(script, values), "w")
  wait_for(function()
    local log = file.read(prefix .. "/nginx.log") .. self:log()
    if log:find("%[emerg%]") or log:find("init_by_lua error", 1, true) then error(log) end
    local probe = socket.connect("127.0.0.1", self.port)
    return probe and probe:close()
  end, "nginx")
  self.pid = wait_for(function() return file.read(prefix .. "/nginx.pid"):match("%d+") end, "nginx.pid")
  return self
end

return nginx_lua
