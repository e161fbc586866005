--- Servers that crash and are paused.

local runtime = require "apivideo.runtime"

local REPLY_TIMEOUT = 2 -- seconds for which a client waits

local function nothing() end

--- Kills each server, and then pauses each, again and again until a time has passed.
---@param servers { crash: function, start: function, pause: function, resume: function }[]
---@param ends number monotonic time; at least one round is done
---@param recover? fun() waits until the servers are in service again
---@return integer crashes, which is also the number of pauses
return function(servers, ends, recover)
  recover = recover or nothing
  local rounds = 0
  repeat
    rounds = rounds + 1
    for _, server in ipairs(servers) do
      runtime.sleep(0.3 + math.random() * 0.7)
      server:crash()
      runtime.sleep(math.random() * 0.3)
      server:start()
      recover()
    end
    for _, server in ipairs(servers) do
      runtime.sleep(0.3 + math.random() * 0.7)
      server:pause()
      runtime.sleep(rounds % 2 * REPLY_TIMEOUT + math.random()) -- every other one exceeds the timeout
      server:resume()
      recover()
    end
  until runtime.monotonic() >= ends
  return rounds * #servers
end
