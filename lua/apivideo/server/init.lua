--- A standalone HTTP server. Handlers run as tasks of the loop: while one waits, others are served.

local checks = require "apivideo.util.checks"
local core = require "apivideo.server.core"
local errors = require "apivideo.error"
local host = require "apivideo.runtime.host"
local runtime = require "apivideo.runtime"
local workers = require "apivideo.server.workers"

local GRACE_S = 10 -- default of the argument grace

---@class apivideo.Server
---@field host string the numeric address that it listens on
---@field port integer
---@field url string
---@field private _core apivideo.server.Core
---@field private _watched any what the loop watches for the core
---@field private _workers apivideo.server.Workers
---@field private _send fun() sends responses after the tasks that are ready
---@field private _closed apivideo.Latch opened with the results of `run`
---@field private _is_closed boolean?
---@field private _is_stopping boolean?
---@field private _drained apivideo.Latch? opened when no request is being handled
local Server = {}
Server.__index = Server
Server.__name = "apivideo.Server"

---@private
function Server:__tostring()
  return ("%s: %s"):format(Server.__name, self.url)
end

-- Closes the server; the other arguments are the results of `run`.
local function close(self, ...)
  if self._is_closed then return end -- its descriptor may belong to another server by now
  self._is_closed = true
  runtime.unwatch(self._watched)
  self._core:close()
  self._closed:open(...)
  self._workers:close()
end

-- One iteration of the server: the loop calls it for events, and after tasks, to send their responses.
local function iterate(self)
  local is_ready = self._core:run()
  if is_ready == nil then
    close(self, nil, errors.new("network",
      "a server serves in the process that opened it, and this is a forked child: open one in the child",
      { origin = "server" }))
  elseif is_ready then
    local ok, problem = pcall(self._workers.call, self._workers)
    self._send() -- after the worker has run: its first responses are sent together
    if not ok then error(problem, 0) end -- memory is out
  end
  if self._drained and self._core:active() == 0 then self._drained:open(true) end
end

--- Closes the next connections right after accepting them: for tests of clients.
---@param connections integer how many more; math.huge: all; 0: no more
function Server:refuse(connections)
  checks.self(self, Server, "server", "refuse")
  checks.value("server:refuse: connections", connections, "integer>=0|huge", 2)
  self._core:refuse(connections)
end

--- Closes the port at once, waits until the current requests have their responses, and closes the server. (A
--- handler that calls it would wait for itself: it must `spawn` the call.)
---@param grace? number seconds to wait for the current requests, default 10
function Server:stop(grace)
  checks.self(self, Server, "server", "stop")
  checks.value("server:stop: grace", grace, "seconds>=0?", 2)
  self._is_stopping = true
  self._core:stop_accepting()
  iterate(self) -- closes the connections that stop_accepting has released
  if self._core:active() > 0 then
    self._drained = self._drained or runtime.latch()
    self._drained:wait(grace or GRACE_S)
  end
  close(self, true)
end

--- Waits until the server has stopped. SIGINT and SIGTERM stop it; the second one closes it at once.
---@return true|nil stopped
---@return apivideo.Error? err `network` when signals cannot be caught, or in a forked child
function Server:run()
  checks.self(self, Server, "server", "run")
  local unsubscribe, message = runtime.on_signal(function()
    if self._is_stopping then return close(self, true) end
    self._is_stopping = true
    runtime.spawn(self.stop, self)
  end)
  if not unsubscribe then
    close(self, true)
    return nil, errors.new("network", "cannot catch signals: " .. message, { origin = "server" })
  end
  iterate(self) -- closes the server in a forked child, where no event may come that does
  local stopped, err = self._closed:wait()
  unsubscribe()
  return stopped, err
end

local OPTIONS = {
  host = "string?", port = "integer>=0<=65535?", receiver = "table?", handler = "function?",
  max_body = "bytes>=0<=1073741824?", timeout = "wholeseconds>=1<=86400?", max_connections = "integer>=1<=1048576?",
}

local function check(where, options)
  if host.ngx then
    error(where .. ": nginx runs the loop of this process, and nothing else can serve in it: let nginx pass requests to"
      .. " receiver:nginx(), or run the server in a process of its own", 3)
  end
  checks.options(where, options, OPTIONS, 4)
  if (options.receiver == nil) == (options.handler == nil) then
    error(where .. ": exactly one of the options \"receiver\" and \"handler\" is required", 3)
  end
  if options.receiver and type(options.receiver.receive) ~= "function" then
    error(where .. ": option \"receiver\" must come from apivideo.receiver", 3)
  end
end

local function listen(options)
  local receiver = options.receiver
  local opened, message = core.new(options.host or "127.0.0.1", options.port or 0,
    options.max_body or receiver and receiver.max_body or 1024 * 1024, options.timeout or 30,
    options.max_connections or 1000)
  if not opened then return nil, errors.new("network", message, { origin = "server" }) end
  local address, port = opened:address()
  local self = setmetatable({
    host = address, port = port,
    url = ("http://%s:%d"):format(address:find(":", 1, true) and "[" .. address .. "]" or address, port),
    _core = opened,
    _watched = opened.fd and opened:fd() or opened,
    _closed = runtime.latch(),
  }, Server)
  local function on_event() iterate(self) end
  self._send = runtime.after_tasks(on_event)
  self._workers = workers.new(opened,
    options.handler or function(request) return receiver:receive(request) end, self._send)
  runtime.watch(self._watched, on_event)
  return self
end

---@alias apivideo.Ending "close"|"reset"|"hold" hold: open until the client closes it or the server stops

---@class apivideo.ServerOptions
---@field receiver? apivideo.Receiver
---@field handler? fun(request: apivideo.ServerRequest): integer?, table<string, string>?, string?, apivideo.Ending? instead of a receiver: returns status, headers, body; or, for tests of clients, nil, nil, bytes to send as they are, and how the connection ends
---@field host? string the address to listen on, default 127.0.0.1
---@field port? integer default 0: any free one
---@field max_body? integer bytes, default the receiver's, or 1 MiB; the response to a larger body is 413
---@field timeout? integer seconds to receive a whole request, and to send its response, default 30
---@field max_connections? integer default 1000

---@class apivideo.ServerModule
local server = {}

--- Starts a server and returns at once. It serves while the loop runs: while there are tasks, or a call waits.
---@param options apivideo.ServerOptions
---@return apivideo.Server|nil server
---@return apivideo.Error? err `network` when it cannot listen
function server.listen(options)
  check("server.listen", options)
  return listen(options)
end

--- Starts a server, and waits until SIGINT or SIGTERM has stopped it: see Server:run. Call it with assert, or a
--- script ends without a message when its port is in use.
---@param options apivideo.ServerOptions
---@return true|nil stopped
---@return apivideo.Error? err `network` when it cannot listen, or signals cannot be caught
function server.serve(options)
  check("server.serve", options)
  local self, err = listen(options)
  if not self then return nil, err end
  return self:run()
end

return server
