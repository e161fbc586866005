--- A standalone HTTP server. Handlers run as tasks of the loop, so they may wait while others are
--- served.

local core = require "apivideo.server.core"
local errors = require "apivideo.error"
local failure = require "apivideo.util.failure"
local headers = require "apivideo.util.headers"
local options = require "apivideo.util.options"
local protected = require "apivideo.util.pcall"
local redact = require "apivideo.util.redact"
local runtime = require "apivideo.runtime"
local slices = require "apivideo.runtime.time_slice"
local url = require "apivideo.util.url"

local IDLE_MAX = 8 -- workers that are kept, whose next request needs no new task

---@class apivideo.ServerRequest
---@field method string
---@field target string as it came, undecoded
---@field path string of the target, undecoded
---@field query table<string, string|string[]> of the target, decoded; an array once a name repeats
---@field headers table<string, string|string[]> by name in any case; an array once a name repeats
---@field body string
---@field peer string the address it came from
local Request = {}

function Request:__index(name)
  if name ~= "path" and name ~= "query" then return nil end
  local path, query = url.split(self.target)
  rawset(self, "path", path)
  rawset(self, "query", url.decode_query(query))
  return rawget(self, name)
end

---@class apivideo.Server
---@field host string
---@field port integer
---@field url string
local Server = {}
Server.__index = Server

local function report(text)
  io.stderr:write("apivideo.server: ", redact.one_line(redact.text(text)), "\n")
end

-- Closes the server, once; the other values are what `run` returns.
local function close(self, ...)
  if self.closed_once then return end -- its descriptor may be another server's by now
  self.closed_once = true
  runtime.unwatch(self.watched)
  self.core:close()
  self.closed:open(...)
  for _, wait in ipairs(self.idle) do runtime.wake(wait) end
end

-- Has the handler answer a request, and passes that on.
local function handle(self, id, method, target, request_headers, request_body, peer)
  local status, answer_headers, body, ending = self.handler(setmetatable({
    method = method, target = target, headers = headers.any_case(request_headers), body = request_body,
    peer = peer,
  }, Request))
  if ending then return self.core:cut(id, body, ending) end
  return self.core:respond(id, status, answer_headers, body)
end

-- Answers one request; 500 when the handler fails or what it returned cannot be sent. False when the handler yielded
-- to another scheduler, which now runs this task.
local function answer(self, id, method, target, request_headers, body, peer)
  local is_lost = false
  runtime.guard(function(traceback)
    is_lost = true
    self.core:respond(id, 500)
    self.send()
    report(("the handler of %s %s failed: it yielded to another scheduler than apivideo's, which cannot resume it%s")
      :format(method, target, traceback))
  end)
  local ok, problem = protected.call(handle, self, id, method, target, request_headers, body, peer)
  runtime.guard(nil)
  if is_lost then return false end
  if not ok then
    self.core:respond(id, 500) -- first: without memory, there is no message either
    report(("the handler of %s %s failed: %s"):format(method, target, failure.message(problem)))
  end
  self.send()
  return true
end

local work

-- Has a task take requests, unless one is about to.
local function call_worker(self)
  if self.called then return end
  local wait = table.remove(self.idle)
  if wait then runtime.wake(wait) else runtime.child(work, self) end
  self.called = true
end

-- Answers the next request, if there is one. While its handler waits, another worker takes the others. Whether
-- there was one; nil when the task is another scheduler's now.
local function answer_next(self, id, method, target, request_headers, body, peer, more)
  if not id then return false end
  if more then pcall(call_worker, self) end -- without memory, the next turn does it
  return answer(self, id, method, target, request_headers, body, peer) or nil
end

-- A worker: a task that answers requests, one after the other, as long as there are any; then it waits.
function work(self)
  local wait = {}
  while not self.closed_once do
    self.called = false
    local slice = slices.new()
    local answered
    repeat
      answered = answer_next(self, self.core:next())
      if answered then slice:yield() end
    until not answered
    if answered == nil or self.closed_once or #self.idle >= IDLE_MAX then return end
    table.insert(self.idle, wait)
    runtime.suspend(wait)
  end
end

-- Does what there is to do: called by the loop, and after answers, to send them.
local function turn(self)
  local ready = self.core:run()
  if ready == nil then
    close(self, nil, errors.new("network",
      "a server serves in the process that opened it, and this is a forked child: open one in the child",
      { origin = "server" }))
  elseif ready then
    local called, problem = pcall(call_worker, self)
    self.send() -- after the worker: what is answered at once is sent together
    if not called then error(problem, 0) end -- memory is out
  end
  if self.drained and self.core:active() == 0 then self.drained:open(true) end
end

--- Closes the next connections as soon as they are made: for tests of clients.
---@param connections integer how many more; may be math.huge; 0: none any more
function Server:refuse(connections)
  self.core:refuse(connections)
end

--- Stops: the port is closed at once, requests under way are finished. (A handler that calls it is
--- one of them: let it `spawn` the call.)
---@param grace? number seconds that they may take, default 10
function Server:stop(grace)
  if grace ~= nil and not (type(grace) == "number" and grace >= 0) then
    error("server:stop: grace must be a number of seconds from 0 on", 2)
  end
  self.stopping = true
  self.core:stop_accepting()
  turn(self) -- it may have let connections go, which are closed now
  if self.core:active() > 0 then
    self.drained = self.drained or runtime.latch()
    self.drained:wait(grace or 10)
  end
  close(self, true)
end

local known = {
  host = "string?", port = "number?", receiver = "table?", handler = "function?",
  max_body = "number?", timeout = "number?", max_connections = "number?",
}

local function check_range(given, name, low, high)
  local value = given[name]
  if value and not (value >= low and value <= high and value % 1 == 0) then
    error(("server: option \"%s\" must be a whole number from %d to %d"):format(name, low, high), 4)
  end
end

local function check(given)
  if not runtime.watch then
    error("server: nginx runs the loop of this process, and nothing else can serve in it: let nginx pass requests to"
      .. " receiver:nginx(), or run the server in a process of its own", 3)
  end
  options.check("server", given, known, 4)
  if (given.receiver == nil) == (given.handler == nil) then
    error("server: one of the options \"receiver\" and \"handler\" is required", 3)
  end
  if given.receiver and type(given.receiver.receive) ~= "function" then
    error("server: option \"receiver\" must come from apivideo.receiver", 3)
  end
  check_range(given, "port", 0, 65535)
  check_range(given, "max_body", 0, 2 ^ 30)
  check_range(given, "timeout", 1, 86400)
  check_range(given, "max_connections", 1, 2 ^ 20)
end

local function listen(given)
  local receiver = given.receiver
  local instance, message = core.new(given.host or "127.0.0.1", given.port or 0,
    given.max_body or receiver and receiver.max_body or 1024 * 1024, given.timeout or 30, given.max_connections or 1000)
  if not instance then return nil, errors.new("network", message, { origin = "server" }) end
  local host, port = instance:address()
  local self = setmetatable({
    core = instance, watched = instance.fd and instance:fd() or instance, host = host, port = port,
    url = ("http://%s:%d"):format(host:find(":", 1, true) and "[" .. host .. "]" or host, port),
    handler = given.handler or function(request) return receiver:receive(request) end,
    closed = runtime.latch(),
    idle = {},      -- what workers wait for that have nothing to do
    called = false, -- whether a worker is about to take requests
  }, Server)
  local function go_on() turn(self) end
  self.send = runtime.after_tasks(go_on)
  runtime.watch(self.watched, go_on)
  return self
end

---@alias apivideo.Ending "close"|"reset"|"hold" a held connection stays until the client leaves or the server stops

---@class apivideo.ServerOptions
---@field receiver? apivideo.Receiver
---@field handler? fun(request: apivideo.ServerRequest): integer?, table<string, string>?, string?, apivideo.Ending? instead of a receiver: returns status, headers, body; or, for tests of clients, nil, nil, bytes to send as they are, and how the connection ends
---@field host? string the address to listen on, default 127.0.0.1
---@field port? integer default 0: any free one
---@field max_body? integer bytes, default the receiver's, or 1 MiB; a larger body is answered 413
---@field timeout? integer seconds for a whole request to be there, and for its answer to be taken, default 30
---@field max_connections? integer default 1000

local server = {}

--- Starts a server and returns at once. It serves while tasks run or something waits.
---@param given apivideo.ServerOptions
---@return apivideo.Server|nil server
---@return apivideo.Error? err when it cannot listen
function server.listen(given)
  check(given)
  return listen(given)
end

--- Serves until SIGINT or SIGTERM; then finishes the requests under way. A second signal stops at
--- once. Call it with assert: a port that is in use is no reason to end without a word.
---@param given apivideo.ServerOptions
---@return true|nil stopped
---@return apivideo.Error? err when it cannot listen, or signals cannot be caught
function server.serve(given)
  check(given)
  local self, err = listen(given)
  if not self then return nil, err end
  return self:run()
end

--- Waits until it has stopped; SIGINT and SIGTERM stop it, the second one at once.
---@return true|nil stopped
---@return apivideo.Error? err when signals cannot be caught, or in a forked child
function Server:run()
  local unsubscribe, message = runtime.on_signal(function()
    if self.stopping then return close(self, true) end
    self.stopping = true
    runtime.spawn(self.stop, self)
  end)
  if not unsubscribe then
    close(self, true)
    return nil, errors.new("network", "cannot catch signals: " .. message, { origin = "server" })
  end
  turn(self) -- in a forked child it ends here: no request may arrive to wake it
  local stopped, err = self.closed:wait()
  unsubscribe()
  return stopped, err
end

return server
