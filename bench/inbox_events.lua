--- Different events for an inbox.

local apivideo = require "apivideo"
local cjson = require "cjson"

local inbox_events = { SECRET = "sig_sec_0000000000000000000000", WEBHOOK_ID = "webhook_0000000000000000000000" }

--- The body of an event.
---@param number integer
---@return string
function inbox_events.body(number)
  local event = apivideo.events:sample "video.caption.generated"
  event.captionId = ("caption_%016d"):format(number)
  return cjson.encode(event)
end

--- Writes a script for wrk that delivers `count` different events, repeatedly, from `first` on. Returns its path.
---@param path string
---@param first integer
---@param count integer
---@return string
function inbox_events.write_script(path, first, count)
  local file = assert(io.open(path .. ".events", "wb"))
  for i = 1, count do -- one at a time: LuaJIT is slow with many long strings that differ in few bytes
    local body = inbox_events.body(first + i)
    file:write(apivideo.sign(body, inbox_events.SECRET), body, "\n")
  end
  file:close()
  file = assert(io.open(path, "wb"))
  file:write(([[
    local path = %q
    local lines = io.lines(path)
    local headers = { ["Content-Type"] = "application/json", ["X-Api-Video-WebhookID"] = %q }
    function request()
      local line = lines()
      if not line then
        lines = io.lines(path)
        line = lines()
      end
      headers["X-Api-Video-Signature"] = line:sub(1, 64)
      return wrk.format("POST", "/webhooks", headers, line:sub(65))
    end
  ]]):format(path .. ".events", inbox_events.WEBHOOK_ID))
  file:close()
  return path
end

return inbox_events
