--- The request of the page in nginx.

local host = require "apivideo.runtime.host"
local receiver_nginx = require "apivideo.receiver.nginx"

local ngx = host.ngx -- nil elsewhere

local QUERY_PARAMETERS_MAX = 100

local nginx = {}

--- Raises unless nginx has a request whose body can be read. At level 3: at the caller of page:nginx.
function nginx.check_phase()
  receiver_nginx.check_phase("page:nginx", "page:receive", 4)
end

--- Reads the current request.
---@param max_bytes integer of the body
---@return table|nil request as for `page:receive`
---@return integer? status for the response if the body cannot be read
function nginx.read(max_bytes)
  local method, list, body, size, err = receiver_nginx.read(max_bytes)
  if err then return nil, 503 end
  if size > max_bytes then return nil, 413 end
  local path = receiver_nginx.path():gsub("%%", "%%25") -- nginx has decoded it, and the routes decode it, too
  return { method = method, path = path, query = ngx.req.get_uri_args(QUERY_PARAMETERS_MAX), headers = list,
    body = body, peer = ngx.var.remote_addr }
end

return nginx
