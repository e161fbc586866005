--- A client for a peer or a local api.video with the key "key". It does not retry, and does not wait for the rate
--- limit.

local apivideo = require "apivideo"
local tables = require "apivideo.util.tables"

---@param url string
---@param more? apivideo.ClientOptions
---@return apivideo.Client
return function(url, more)
  local options = tables.merge({ api_key = "key", base_url = url, timeout = 60, retries = 0, rate_limit = false }, more)
  return apivideo.client(options)
end
