--- Responses of nginx that have a body.

local ngx = require("apivideo.runtime.host").ngx -- nil elsewhere

local nginx_response = {}

--- Sends the response to the current request, and ends the request.
---@param status integer
---@param list table<string, string> headers
---@param body string
function nginx_response.send(status, list, body)
  ngx.status = status
  for name, value in pairs(list) do ngx.header[name] = value end
  ngx.header["Content-Length"] = #body
  if ngx.req.get_method() == "HEAD" then ngx.send_headers() else ngx.print(body) end
  return ngx.exit(ngx.HTTP_OK)
end

return nginx_response
