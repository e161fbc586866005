--- Senders of signed deliveries that never pause. As api.video does, they send again what was not
--- answered with 2xx.

local apivideo = require "apivideo"
local cjson = require "cjson"
local http = require "apivideo.transport.http"
local runtime = require "apivideo.runtime"

local deliveries = { SECRET = "sig_sec_of_the_senders", ATTEMPTS = 4, INTERVAL = 0.02 }

---@class spec.Deliveries
---@field answered string[] the videoIds of events that were answered with 2xx
---@field again integer attempts that were not
---@field failed string[] events that no attempt brought in
local Deliveries = {}
Deliveries.__index = Deliveries

local function deliver(self, id)
  local body = cjson.encode {
    type = "video.encoding.quality.completed", emittedAt = "2026-01-01T00:00:00.000Z", videoId = id,
    encoding = "hls", quality = "720p",
  }
  local signature = "X-Api-Video-Signature: " .. apivideo.sign(body, deliveries.SECRET)
  for _ = 1, deliveries.ATTEMPTS do
    local response = http.request { method = "POST", url = self.url, body = body, timeout = 30,
      headers = { "Content-Type: application/json", signature } }
    if response and response.status < 300 then
      table.insert(self.answered, id)
      return
    end
    self.again = self.again + 1
    if self.stopped then return end
    runtime.sleep(deliveries.INTERVAL)
  end
  table.insert(self.failed, id)
end

--- Starts some senders; each has one delivery under way.
---@return spec.Deliveries
function deliveries.start(url, senders)
  local self = setmetatable({ url = url, answered = {}, again = 0, failed = {}, running = senders }, Deliveries)
  for sender = 1, senders do
    apivideo.spawn(function()
      local count = 0
      while not self.stopped do
        count = count + 1
        deliver(self, ("vi%d-%d"):format(sender, count))
      end
      self.running = self.running - 1
    end)
  end
  return self
end

--- Lets the senders end, and waits for that.
function Deliveries:stop()
  self.stopped = true
  while self.running > 0 do runtime.sleep(0.001) end
end

--- Those that were answered with 2xx, and that a file has no line of.
---@param path string
---@return string[]
function Deliveries:lost(path)
  local lines, lost = {}, {}
  for line in io.lines(path) do lines[line] = true end
  for _, id in ipairs(self.answered) do
    if not lines[id] then lost[#lost + 1] = id end
  end
  return lost
end

--- An application for nginx whose handlers write such a file.
---@param path string
---@param more? { setup?: string, options?: string, before?: string, inbox?: string } Lua: what is done once, options of the receiver, and what the handler does before it writes; the store of an inbox, at which `receiver.work` has the handlers work
---@return string
function deliveries.app(path, more)
  more = more or {}
  return ([[
    local apivideo = require "apivideo"
    %s
    local handlers = apivideo.handlers()
    handlers:on("video.encoding.quality.completed", function(event)
      %s
      local file = assert(io.open(%q, "a"))
      assert(file:write(event.videoId, "\n"))
      file:close()
    end)
    local store = %s
    local inbox = store and apivideo.inbox { store = store }
    local receiver = apivideo.receiver { inbox = inbox, handlers = not inbox and handlers or nil, secrets = %q, %s }
    function receiver.work() apivideo.spawn(function() inbox:work(handlers) end) end
    return receiver
  ]]):format(more.setup or "", more.before or "", path, more.inbox or "nil", deliveries.SECRET, more.options or "")
end

return deliveries
