--- `apivideo listen` as a process with a directory of its own for its records, and deliveries to it.

local apivideo = require "apivideo"
local cjson = require "cjson"
local http = require "apivideo.transport.http"
local outgoing = require "apivideo.events.outgoing"
local process = require "spec.support.process"
local running = require "spec.support.running"

local listening = { SECRET = "sig_sec_of_listen", QUALITY = "video.encoding.quality.completed" }

local function environment_of(state, more)
  return ("XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s APIVIDEO_API_KEY= APIVIDEO_WEBHOOK_SECRET= %s"):format(state, state,
    more or "")
end

local function arguments_of(...)
  return { "bin/apivideo", "listen", "--port", "0", ... }
end

--- Starts the command, which is killed after the test, and waits until it listens.
---@param state? string directory of the records
---@param ... string arguments
---@return table process with its `url`
function listening.start(state, ...)
  local child = running.process(arguments_of(...), environment_of(state or running.directory()))
  child.url = child:wait_for "Listening on (http://[%d.]+:%d+)"
  return child
end

--- The same with --json.
function listening.start_json(...)
  local child = running.process(arguments_of("--json", ...), environment_of(running.directory()))
  child.url = cjson.decode(child:wait_for "^(.-)\n").url
  return child
end

--- Runs the command until it exits. Returns its output and exit status.
---@param arguments string[]
---@param environment? string
function listening.run(arguments, environment)
  return process.run({ "bin/apivideo", "listen", (table.unpack or unpack)(arguments) },
    environment_of(running.directory(), environment))
end

--- The lines of JSON that a process has printed, without those of its log.
---@return table[]
function listening.records(child)
  local list = {}
  for line in child:output():gmatch "%f[^\n%z]{[^\n]+" do list[#list + 1] = cjson.decode(line) end
  return list
end

--- An event as bytes.
---@param fields? table
---@return string
function listening.event(fields)
  local event = apivideo.events:sample(listening.QUALITY)
  for name, value in pairs(fields or {}) do event[name] = value end
  return outgoing.encode(event, apivideo.events)
end

--- Sends a delivery, signed with the secret.
---@param url string
---@param body string
---@param more? { secret?: string|false, headers?: string[] }
---@return integer status
function listening.send(url, body, more)
  more = more or {}
  local lines = { (table.unpack or unpack)(more.headers or {}) }
  local secret = more.secret == nil and listening.SECRET or more.secret or nil
  for name, value in pairs(outgoing.headers(body, nil, secret)) do lines[#lines + 1] = name .. ": " .. value end
  return assert(http.request { method = "POST", url = url, headers = lines, body = body }).status
end

return listening
