--- An account of the local api.video: its webhooks, and how many calls it may still make.

local runtime = require "apivideo.runtime"

local WINDOW = 60 -- seconds

---@class apivideo.emulator.Account
local Account = {}
Account.__index = Account

local ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

-- `prefix` and 22 random letters and digits.
local function new_id(prefix)
  local source = assert(io.open("/dev/urandom", "rb"))
  local bytes = source:read(22)
  source:close()
  return prefix .. bytes:gsub(".", function(byte)
    local i = byte:byte() % #ALPHABET + 1
    return ALPHABET:sub(i, i)
  end)
end

--- Adds a webhook and returns it; nil when the account holds as many as it may.
function Account:create(url, events)
  if #self.webhooks >= self.webhook_limit then return nil end
  local webhook = {
    webhookId = new_id("webhook_"),
    createdAt = os.date("!%Y-%m-%dT%H:%M:%S+00:00", math.floor(runtime.now())),
    events = events,
    url = url,
    signatureSecret = new_id("sig_sec_"),
  }
  self.webhooks[#self.webhooks + 1] = webhook
  return webhook
end

--- The webhook with an id, and its place; or nil.
function Account:find(id)
  for i, webhook in ipairs(self.webhooks) do
    if webhook.webhookId == id then return webhook, i end
  end
end

--- Removes a webhook; false when there is none with that id.
function Account:delete(id)
  local _, place = self:find(id)
  if place then table.remove(self.webhooks, place) end
  return place ~= nil
end

--- The webhooks that subscribe to a type; all of them without one. Oldest first.
function Account:subscribed(event_type)
  local list = {}
  for _, webhook in ipairs(self.webhooks) do
    local wanted = not event_type
    for _, name in ipairs(webhook.events) do wanted = wanted or name == event_type end
    if wanted then list[#list + 1] = webhook end
  end
  return list
end

--- Counts a call of a class ("reads" or "writes") against its limit for each minute.
---@return boolean allowed
---@return table<string, string> headers X-RateLimit-…
function Account:count_call(class)
  local now, window = runtime.monotonic(), self.windows[class]
  if not window or now >= window.ends then
    window = { used = 0, ends = now + WINDOW }
    self.windows[class] = window
  end
  local limit = self.rate_limits[class]
  window.used = window.used + 1
  return window.used <= limit, {
    ["X-RateLimit-Limit"] = ("%d"):format(limit),
    ["X-RateLimit-Remaining"] = ("%d"):format(math.max(0, limit - window.used)),
    ["X-RateLimit-Retry-After"] = ("%d"):format(math.ceil(window.ends - now)),
  }
end

local account = {}

--- Makes an empty account.
---@param webhook_limit integer
---@param rate_limits { reads: integer, writes: integer } calls in a minute
function account.new(webhook_limit, rate_limits)
  return setmetatable({
    webhooks = {}, webhook_limit = webhook_limit, windows = {}, rate_limits = rate_limits,
  }, Account)
end

return account
