--- The webhook that a spec rotates.

local rotation = { RECORDED = "video.source.recorded", QUALITY = "video.encoding.quality.completed" }

--- Creates a webhook that seems to be years old.
---@param api apivideo.Emulator
---@param client apivideo.Client
---@param url? string
function rotation.old_webhook(api, client, url)
  local old = assert(client.webhooks:create {
    url = url or "https://example.com/", events = { rotation.RECORDED, rotation.QUALITY },
  })
  old.createdAt = "2024-01-01T00:00:00+00:00"
  api.webhooks:find(old.webhookId).createdAt = old.createdAt
  return old
end

return rotation
