--- One account of api.video for model tests: the emulator's /webhooks without a network, with a separate clock, and
--- with nodes that have clocks that differ by seconds.

local catalogue = require "apivideo.events"
local collection = require "apivideo.emulator.collection"
local handlers = require "apivideo.emulator.webhooks"
local headers = require "apivideo.util.headers"
local ids = require "apivideo.emulator.ids"
local json = require "apivideo.util.json"
local random = require "spec.model.random"
local url = require "apivideo.util.url"

local START = 1700000000

---@class spec.model.Account
---@field now number seconds since 1970
---@field late table[] requests in transit that their client has abandoned
local Account = {}
Account.__index = Account

-- Calls a handler of the emulator with this account's ids and clock.
local function with_own_ids(self, skew, handler, ...)
  local new_id, now = ids.new, ids.now
  ids.new = function(prefix) return prefix .. ("%s%d"):format(string.char(64 + self.next_letter(26)), self.count) end
  ids.now = function() return os.date("!%Y-%m-%dT%H:%M:%S+00:00", math.floor(self.now) + skew) end
  self.count = self.count + 1
  local status, body = handler(self.emulator, ...)
  ids.new, ids.now = new_id, now
  return status, body
end

--- Processes a request and returns the response.
---@param request { method: string, url: string, body?: string }
---@param skew integer seconds by which the clock of the node differs
function Account:handle(request, skew)
  local path, query = url.split(request.url:match "^http://[^/]+(.*)$")
  local parsed = { path = path, query = url.decode_query(query), body = request.body }
  local id = path:match "^/webhooks/(.+)$"
  local handler = request.method == "POST" and handlers.create or request.method == "DELETE" and handlers.delete
    or id and handlers.get or handlers.list
  local status, body = with_own_ids(self, skew, handler, parsed, id)
  return {
    status = status, body = body and json.encode(body) or "",
    headers = headers.any_case {
      ["content-type"] = "application/json",
      date = os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(self.now) + skew),
    },
  }
end

--- Adds a webhook that no client has created.
function Account:put(id, definition)
  self.emulator.webhooks:put { webhookId = id, url = definition.url, events = definition.events,
    createdAt = "2020-01-01T00:00:00+00:00" }
end

---@return apivideo.Webhook[]
function Account:webhooks()
  return self.emulator.webhooks.items
end

---@return spec.model.Account
return function()
  return setmetatable({
    now = START, late = {}, count = 0, next_letter = random(4711),
    emulator = {
      webhooks = collection.new "webhookId", _webhook_limit = 10, _events = catalogue, url = "http://model",
    },
  }, Account)
end
