--- Runs wrk.

local wrk = {}

local RETRIES_MAX = 3 -- of a round
local CONNECTIONS = 32

local milliseconds = { us = 0.001, ms = 1, s = 1000 }

-- The results in its output; raises on errors, and on responses other than 2xx.
local function results(text)
  local rate, count = text:match "Requests/sec: *([%d.]+)", text:match "(%d+) requests in"
  local late, unit = text:match "99%% *([%d.]+)(%a+)"
  assert(rate and not text:find "Non%-2xx" and not text:find "Socket errors", text)
  return tonumber(rate), tonumber(count), tonumber(late) * milliseconds[unit]
end

local function open(url, seconds, script, connections)
  return assert(io.popen(("wrk -t1 -c%d -d%ds --timeout 10s --latency %s %s"):format(
    connections or CONNECTIONS, seconds, script and "-s " .. script or "", url)))
end

local function close(pipe)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

--- Starts a round. Returns a function that waits for its end, with the results of wrk.run.
---@param url string
---@param seconds integer
---@param script? string
---@param connections? integer default 32
---@return fun(): number, integer, number
function wrk.start(url, seconds, script, connections)
  local pipe = open(url, seconds, script, connections)
  return function() return results(close(pipe)) end
end

--- Runs a round. Repeats one in which wrk could not open all connections.
---@param url string
---@param seconds integer
---@param script? string
---@param connections? integer default 32
---@return number rate requests per second
---@return integer count of requests
---@return number late the 99th percentile of the latency in milliseconds
function wrk.run(url, seconds, script, connections)
  local text
  for _ = 0, RETRIES_MAX do
    text = close(open(url, seconds, script, connections))
    local unopened = text:match "Socket errors: connect ([1-9]%d*), read 0, write 0, timeout 0"
    if not unopened or text:find "Non%-2xx" then break end
    print(("(wrk could not open %s connections to %s; repeating the round)"):format(unopened, url))
  end
  return results(text)
end

return wrk
