--- The web page on a port of its own.

local apivideo = require "apivideo"
local server = require "apivideo.server"

local LOOPBACK = { "^127%.%d+%.%d+%.%d+$", "^::1$", "^localhost$" }

local page_server = {}

local function is_loopback(host)
  for _, pattern in ipairs(LOOPBACK) do
    if host:find(pattern) then return true end
  end
  return false
end

--- Starts to serve a page. On an address that other machines can reach, its URL has a token.
---@param host string
---@param port integer
---@param options apivideo.PageOptions without `token`
---@return string|nil url of the page
---@return apivideo.Error|apivideo.Server err, or the server
function page_server.open(host, port, options)
  options.token = not is_loopback(host) or nil
  local page = apivideo.page(options)
  local self, err = server.listen { host = host, port = port, receiver = page }
  if not self then return nil, err end
  return page:url(self.url), self
end

return page_server
