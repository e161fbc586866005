--- Runs a receiver in a process of its own, and measures its memory, descriptors and processor time.

local cjson = require "cjson"
local http = require "apivideo.transport.http"
local process = require "spec.support.process"
local sign = require("apivideo").sign

local SECRET = "sig_sec_0000000000000000000000"

local script = [[
  local apivideo = require "apivideo"
  local server = require "apivideo.server"
  apivideo.log { write = function() end }
  local handlers = apivideo.handlers():otherwise(function() end)
  local options = { receiver = apivideo.receiver { handlers = handlers, secrets = %q, max_body = %d },
    max_connections = %d, timeout = %d }
  local listening = assert(server.listen(options))
  local stat = io.open "/proc/self/stat"
  print(("pid %%d port %%d"):format(stat:read "*n", listening.port))
  stat:close() -- because specs count descriptors
  io.stdout:flush()
  %s
  listening:run()]]

local receiver_process = { SECRET = SECRET }

--- An event, and the headers of its delivery.
function receiver_process.event()
  local body = cjson.encode { type = "video.source.uploaded.by.test", emittedAt = "2026-01-01T00:00:00Z" }
  return body, { "Connection: close", "Content-Type: application/json",
    "X-Api-Video-Signature: " .. sign(body, SECRET) }
end

---@class spec.ReceiverProcess
---@field port integer
local ReceiverProcess = {}
ReceiverProcess.__index = ReceiverProcess

-- The contents of a file of the process in /proc.
local function read(self, name)
  local file = assert(io.open(("/proc/%d/%s"):format(self.pid, name)))
  local text = file:read "*a"
  file:close()
  return text
end

--- The current and the maximum resident memory, in megabytes.
function ReceiverProcess:memory()
  local status = read(self, "status")
  return status:match "VmRSS:%s*(%d+)" / 1024, status:match "VmHWM:%s*(%d+)" / 1024
end

--- The number of open descriptors.
function ReceiverProcess:descriptors()
  local pipe = io.popen(("ls /proc/%d/fd | wc -l"):format(self.pid))
  local count = pipe:read "*n"
  pipe:close()
  return count
end

--- The processor time, in seconds.
function ReceiverProcess:processor()
  local user, system = read(self, "stat"):match "%) (.*)":match(("%S+ "):rep(11) .. "(%d+) (%d+)")
  return (user + system) / 100
end

--- Sends a signed delivery on a new connection, as api.video does. Returns the status of the response, or nil and an
--- error.
function ReceiverProcess:deliver()
  local body, lines = receiver_process.event()
  local response, err = http.request { method = "POST", url = "http://127.0.0.1:" .. self.port .. "/webhooks",
    body = body, headers = lines, timeout = 5 }
  return response and response.status, err
end

function ReceiverProcess:stop()
  self.child:kill "KILL"
  self.child:wait()
end

--- Starts a receiver.
---@param more? { max_connections?: integer, timeout?: integer, max_body?: integer, under?: string, script?: string } under: a command that runs it; script: Lua code that it runs first
---@return spec.ReceiverProcess
function receiver_process.start(more)
  more = more or {}
  local child = process.start({ "-e", script:format(SECRET, more.max_body or 1048576, more.max_connections or 1000,
    more.timeout or 30, more.script or "") }, more.under)
  return setmetatable({ child = child, port = tonumber(child:wait_for "port (%d+)"),
    pid = tonumber(child:wait_for "pid (%d+)") }, ReceiverProcess)
end

return receiver_process
