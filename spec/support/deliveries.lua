--- Senders of signed deliveries that never pause. As api.video does, they retry unless the response is 2xx.

local apivideo = require "apivideo"
local cjson = require "cjson"
local http = require "apivideo.transport.http"
local runtime = require "apivideo.runtime"

local deliveries = { SECRET = "sig_sec_of_the_senders", ATTEMPTS = 4, INTERVAL = 0.02 }

---@class spec.Deliveries
---@field delivered string[] the videoIds of events with a 2xx response
---@field retries integer attempts without one
---@field failed string[] videoIds of events without a successful attempt
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
      table.insert(self.delivered, id)
      return
    end
    self.retries = self.retries + 1
    if self.stopped then return end
    runtime.sleep(deliveries.INTERVAL)
  end
  table.insert(self.failed, id)
end

--- Starts senders. Each has one delivery under way.
---@return spec.Deliveries
function deliveries.start(url, senders)
  local self = setmetatable({ url = url, delivered = {}, retries = 0, failed = {}, running = senders }, Deliveries)
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

--- Stops the senders, and waits for them.
function Deliveries:stop()
  self.stopped = true
  while self.running > 0 do runtime.sleep(0.001) end
end

--- The delivered events of which a file has no line.
---@param path string
---@return string[]
function Deliveries:lost(path)
  local lines, lost = {}, {}
  for line in io.lines(path) do lines[line] = true end
  for _, id in ipairs(self.delivered) do
    if not lines[id] then lost[#lost + 1] = id end
  end
  return lost
end

--- An application for nginx with handlers that write such a file.
---@param path string
---@param more? { setup?: string, options?: string, before?: string, inbox?: string } Lua code: for the module, for the receiver's options, for the handler before it writes; and an inbox's store, in which case `receiver.work` starts a worker
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
