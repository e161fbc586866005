--- A client lists webhooks, and gets one that does not exist.

-- `require` does not report that memory is exhausted as such, so everything is loaded before.
local new_client = require("apivideo").client
assert(require("apivideo.core").http)

local url = os.getenv "OOM_PEER"

return function()
  local client = new_client { api_key = "key", base_url = url, retries = 0, timeout = 2 }
  local page, err = client.webhooks:list()
  if not page then return nil, err end
  local webhook
  webhook, err = client.webhooks:get("webhook_unknown")
  if webhook or err.kind ~= "not_found" then return nil, err end
  require("apivideo.runtime").release()
  return true
end
