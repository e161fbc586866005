--- A GET that waits for up to a minute: get(url, more) returns the response, or nil and an error.

local http = require "apivideo.transport.http"

return function(url, more)
  local request = { method = "GET", url = url, timeout = 60 }
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end
