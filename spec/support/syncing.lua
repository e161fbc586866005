--- Specs of webhooks:sync: the account, and what was requested.

local client_of = require "spec.support.client"
local running = require "spec.support.running"

local syncing = {
  RECORDED = "video.source.recorded", QUALITY = "video.encoding.quality.completed",
  CAPTION = "video.caption.generated", SUMMARY = "video.summary.generated",
}

local api

--- Starts a local api.video. Returns it and a client.
---@param more? apivideo.EmulatorOptions
function syncing.start(more)
  api = running.emulator(more)
  return api, client_of(api.url)
end

--- Adds a webhook that exists before, created so many seconds ago if that is given.
function syncing.put(id, url, events, age)
  local webhook = { webhookId = "webhook_" .. id, url = "https://example.com/" .. url, events = events,
    createdAt = age and os.date("!%Y-%m-%dT%H:%M:%S+00:00", os.time() - age) or "2024-01-01T00:00:00+00:00",
    signatureSecret = "sig_sec_" .. id }
  api.webhooks:put(webhook)
  return webhook
end

--- A webhook of the list, with a path of example.com and event types.
function syncing.want(url, ...)
  return { url = "https://example.com/" .. url, events = { ... } }
end

--- The webhooks of the account: "path: types", sorted.
function syncing.state()
  local lines = {}
  for _, item in ipairs(api.webhooks.items) do
    lines[#lines + 1] = item.url:match("[^/]*$") .. ": " .. table.concat(item.events, " ")
  end
  table.sort(lines)
  return lines
end

--- The methods of the requests since a number of them.
function syncing.methods(since)
  local list = {}
  for i = (since or 0) + 1, #api.requests do list[#list + 1] = api.requests[i].method end
  return table.concat(list, " ")
end

function syncing.ids_of(list)
  local ids = {}
  for i, item in ipairs(list) do ids[i] = item.webhookId end
  return ids
end

return syncing
