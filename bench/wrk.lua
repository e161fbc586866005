--- Runs wrk.

local RETRIES_MAX = 3 -- of a round
local CONNECTIONS = 32

local milliseconds = { us = 0.001, ms = 1, s = 1000 }

--- Runs a round. Returns the requests per second, their number, and the 99th percentile of the latency in
--- milliseconds. Repeats a round in which wrk could not open all connections; raises on other errors, and on
--- responses other than 2xx.
local function wrk(url, seconds, script, connections, tries)
  local pipe = assert(io.popen(("wrk -t1 -c%d -d%ds --latency %s %s"):format(
    connections or CONNECTIONS, seconds, script and "-s " .. script or "", url)))
  local text = pipe:read "*a"
  pipe:close()
  local unopened = text:match "Socket errors: connect ([1-9]%d*), read 0, write 0, timeout 0"
  if unopened and not text:find "Non%-2xx" and (tries or 0) < RETRIES_MAX then
    print(("(wrk could not open %s connections to %s; repeating the round)"):format(unopened, url))
    return wrk(url, seconds, script, connections, (tries or 0) + 1)
  end
  local rate, count = text:match "Requests/sec: *([%d.]+)", text:match "(%d+) requests in"
  local late, unit = text:match "99%% *([%d.]+)(%a+)"
  assert(rate and not text:find "Non%-2xx" and not text:find "Socket errors", text)
  return tonumber(rate), tonumber(count), tonumber(late) * milliseconds[unit]
end

return wrk
