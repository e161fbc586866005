--- A client of a peer, or of a local api.video with the key "key": it makes one attempt of a call, and
--- does not wait for the rate limit.

local apivideo = require "apivideo"

---@param url string
---@param more? apivideo.ClientOptions
---@return apivideo.Client
return function(url, more)
  local given = { api_key = "key", base_url = url, timeout = 60, retries = 0, rate_limit = false }
  for name, value in pairs(more or {}) do given[name] = value end
  return apivideo.client(given)
end
