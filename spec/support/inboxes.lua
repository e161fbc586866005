--- Helpers for specs of the inbox: events, a store that fails on demand, a receiver.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local stderr = require "spec.support.stderr"

local SECRET = "sig_sec_0000000000000000000000"

local inboxes = { SECRET = SECRET, STARTED = "live-stream.broadcast.started" }

--- The bytes of a type's sample, with other fields.
function inboxes.raw_of(type, fields)
  local event = apivideo.events:sample(type)
  for name, value in pairs(fields or {}) do event[name] = value end
  return require("cjson").encode(event)
end

--- The bytes of an event of that id.
function inboxes.caption(id)
  return inboxes.raw_of("video.caption.generated", { captionId = id })
end

--- An item for a store's `put`, whose bytes are its key.
---@param key string
---@param fields? table
---@return table
function inboxes.item(key, fields)
  local result = { key = key, raw = key, verified = true, received_at = 1700000000 }
  for name, value in pairs(fields or {}) do result[name] = value end
  return result
end

--- The bytes of entries.
---@param entries table[]
---@return string[]
function inboxes.raws_of(entries)
  local raws = {}
  for i, entry in ipairs(entries) do raws[i] = entry.raw end
  return raws
end

--- The text that the library writes to stderr during a function.
function inboxes.printed_by(fn)
  return table.concat(stderr.of(fn))
end

--- A store over another, which fails while it is `down`: true, or the reason; counts its puts in `calls`, and the calls
--- that failed in `failures`.
function inboxes.failing(store)
  local self = { down = false }
  return setmetatable(self, { __index = function(_, name)
    if type(store[name]) ~= "function" then return nil end
    return function(_, ...)
      if self.down then
        self.failures = (self.failures or 0) + 1
        return nil, errors.new("store_unavailable", self.down == true and "no space" or self.down)
      end
      self.calls = (self.calls or 0) + (name == "put" and 1 or 0)
      return store[name](store, ...)
    end
  end })
end

--- Sends a signed delivery to a receiver; the status of the response.
function inboxes.deliver(receiver, raw, headers)
  return (receiver:receive { method = "POST", body = raw, headers = headers or {
    ["X-Api-Video-WebhookID"] = "webhook_1", ["X-Api-Video-Signature"] = apivideo.sign(raw, SECRET),
  } })
end

return inboxes
