-- Gives each webhook of the account a new secret, for cron: lua rotation.lua [seconds for which both secrets are used]

local apivideo = require "apivideo"

local client = apivideo.client { api_key = os.getenv "APIVIDEO_API_KEY", base_url = os.getenv "APIVIDEO_BASE_URL" }
local failures = 0

for _, webhook in ipairs(assert(client.webhooks:all())) do
  local new, err = client.webhooks:rotate(webhook.webhookId, { overlap = tonumber(arg[1]) })
  if new then
    print(("%s: %s replaces %s"):format(new.url, new.webhookId, webhook.webhookId))
  else
    failures = failures + 1
    io.stderr:write(("%s: %s\n"):format(webhook.url, tostring(err)))
  end
end

os.exit(failures == 0 and 0 or 1)
