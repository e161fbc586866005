--- Registers what a test starts, and stops it after the test: after_each(running.stop).

local emulator = require "apivideo.emulator"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local tables = require "apivideo.util.tables"
local temporary = require "spec.support.temporary"

local running = {}
local stops = {}

--- Registers a function to be called by running.stop.
function running.add(stop)
  stops[#stops + 1] = stop
end

--- Calls the registered functions, the last one first.
function running.stop()
  for i = #stops, 1, -1 do table.remove(stops, i)() end
end

local function started(p)
  running.add(p.stop)
  return p
end

--- As peer.start, peer.serving and peer.responding, and registered.
function running.peer(script) return started(peer.start(script)) end
function running.serving(respond) return started(peer.serving(respond)) end
function running.responding(status, headers, body) return started(peer.responding(status, headers, body)) end

--- Starts a peer that sends raw bytes after the first request of each connection, and closes it.
---@param bytes string
function running.saying(bytes)
  return running.peer(function(connection)
    if connection:read_request() then connection:send(bytes) end
  end)
end

--- Starts a local api.video with the key "key" and practically no rate limit.
---@param more? apivideo.EmulatorOptions
function running.emulator(more)
  local options = tables.merge({ api_key = "key", rate_limits = { reads = 1e6, writes = 1e6 } }, more)
  local api = assert(emulator.start(options))
  running.add(function() api:stop() end)
  return api
end

--- Creates a directory, which is removed after the test.
---@return string path
function running.directory()
  local path = temporary.directory()
  running.add(function() os.execute("rm -rf " .. path) end)
  return path
end

--- Starts a process, which is killed after the test if it still runs.
---@param arguments string[]
---@param environment? string
---@return table process
function running.process(arguments, environment)
  local child = process.start(arguments, environment)
  running.add(function()
    if child.is_over then return end
    child:kill "KILL"
    child:wait()
  end)
  return child
end

--- Ends such a process with a signal.
---@param child table
---@param signal string
---@return string output
---@return integer status
function running.finish(child, signal)
  child:kill(signal)
  return child:finish()
end

return running
